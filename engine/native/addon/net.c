#include "addon.h"

void register_net(napi_env env, napi_value exports)
{
	(void)env;
	(void)exports;
}
