/* An experiment: every parameter that one simulated training depends on, set by name
   from code, from presets, from YAML files and from "key=value" text alike. */
#ifndef CUTLAB_EXPERIMENT_H
#define CUTLAB_EXPERIMENT_H

#include <stdint.h>

#include <cutlab/context.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef enum cutlab_method { CUTLAB_ERM, CUTLAB_CUTOUT, CUTLAB_CUTMIX, CUTLAB_MIXUP } cutlab_method;

typedef struct cutlab_experiment cutlab_experiment;

/* One row of the parameter table, for help pages and bindings. */
typedef struct cutlab_parameter {
  const char *name;
  const char *kind;     /* "integer", "number", "list of numbers", "choice", ... */
  const char *accepted; /* e.g. "> 0", "iid | stratified" */
  const char *text;     /* one sentence, with the symbol and source where there is one */
} cutlab_parameter;

/* Every parameter at its default: the `paper` preset with method cutmix.
   Release with cutlab_experiment_free. */
CUTLAB_API cutlab_status cutlab_experiment_create(cutlab_context *context,
                                                  cutlab_experiment **experiment);
CUTLAB_API cutlab_status cutlab_experiment_copy(cutlab_context *context,
                                                cutlab_experiment **experiment,
                                                const cutlab_experiment *source);
CUTLAB_API void cutlab_experiment_free(cutlab_experiment *experiment);

/* Sets one parameter from text ("300", "1e-2", "[0.8, 0.15, 0.05]", "stratified").
   CUTLAB_ERROR_ARGUMENT names the key, the value and what is accepted; an unknown key
   is answered with the nearest valid name. Rules that involve several parameters are
   checked by cutlab_experiment_validate. */
CUTLAB_API cutlab_status cutlab_experiment_set(cutlab_context *context,
                                               cutlab_experiment *experiment, const char *key,
                                               const char *value);
/* Sets the parameters of a preset: "paper", "theory", "quick" or another world (docs/worlds.md). */
CUTLAB_API cutlab_status cutlab_experiment_set_preset(cutlab_context *context,
                                                      cutlab_experiment *experiment,
                                                      const char *preset);
/* Sets what a YAML file (a flat mapping of parameters; lists in flow or block style) says.
   Errors give file, line and column. The key `preset` is applied first, wherever it
   stands. At most 1 MiB. */
CUTLAB_API cutlab_status cutlab_experiment_load_yaml(cutlab_context *context,
                                                     cutlab_experiment *experiment,
                                                     const char *path);
/* Checks rules across parameters (frequencies sum to 1, d >= 2K, cut_size < P, ...);
   |C| >= P/2, which the paper excludes, is a warning. */
CUTLAB_API cutlab_status cutlab_experiment_validate(cutlab_context *context,
                                                    const cutlab_experiment *experiment);
/* All parameters as one JSON object in table order, or as YAML that load_yaml reads back.
   Release the text with cutlab_free. */
CUTLAB_API cutlab_status cutlab_experiment_to_json(cutlab_context *context, char **text,
                                                   const cutlab_experiment *experiment);
CUTLAB_API cutlab_status cutlab_experiment_to_yaml(cutlab_context *context, char **text,
                                                   const cutlab_experiment *experiment);
CUTLAB_API cutlab_status cutlab_experiment_from_json(cutlab_context *context,
                                                     cutlab_experiment *experiment,
                                                     const char *text);
/* The value of one parameter as the text that `set` accepts; release with cutlab_free.
   NULL if there is no such parameter or no memory. */
CUTLAB_API char *cutlab_experiment_get(const cutlab_experiment *experiment, const char *key);

/* The parameter table: row i, or NULL past the end. Static storage. */
CUTLAB_API const cutlab_parameter *cutlab_experiment_parameter(int i);
/* The name of preset i and, if `yaml` is not NULL, its YAML text; NULL past the end. */
CUTLAB_API const char *cutlab_experiment_preset(int i, const char **yaml);
/* Index of the name nearest to a misspelt one (Damerau-Levenshtein distance without regard to
   case; of equals the first), or -1 without names. */
CUTLAB_API int cutlab_nearest_name(const char *name, const char *const *names, int count);

#ifdef __cplusplus
}
#endif
#endif
