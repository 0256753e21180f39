/* The machine that something was computed on. */
#ifndef CUTLAB_MACHINE_H
#define CUTLAB_MACHINE_H

#include "base/json.h"

/* {system, processor, kernels, threads}, NULL without memory. */
json_t *cutlab_machine_json(const cutlab_context *context);

#endif
