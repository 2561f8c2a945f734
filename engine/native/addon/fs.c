#include "addon.h"

void register_fs(napi_env env, napi_value exports)
{
	(void)env;
	(void)exports;
}
