#include "addon.h"

void register_process(napi_env env, napi_value exports)
{
	(void)env;
	(void)exports;
}
