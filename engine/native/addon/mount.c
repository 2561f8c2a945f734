#include "addon.h"

void register_mount(napi_env env, napi_value exports)
{
	(void)env;
	(void)exports;
}
