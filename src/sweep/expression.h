/* Arithmetic in specs: + - * / ^, parentheses, functions, variables. */
#ifndef CUTLAB_SWEEP_EXPRESSION_H
#define CUTLAB_SWEEP_EXPRESSION_H

#include "base/base.h"

typedef struct cutlab_expression cutlab_expression;

/* The number of a variable, or -1 where there is none of that name. */
typedef int (*cutlab_variable_fn)(void *user, const char *name);

/* Compiles `length` bytes. CUTLAB_ERROR_ARGUMENT says what is expected, at which character. Names
   that `find` does not know are answered with the nearest of `names`. Release with free. */
cutlab_status cutlab_expression_compile(cutlab_context *context, cutlab_expression **expression,
                                        const char *text, size_t length, cutlab_variable_fn find,
                                        void *user, const char *const *names, int name_count);
/* values: by number of the variable. */
double cutlab_expression_evaluate(const cutlab_expression *expression, const double *values);
/* Whether the variable of that number is in it. */
bool cutlab_expression_uses(const cutlab_expression *expression, int variable);
/* Whether a name is one of the functions, which variables cannot have. */
bool cutlab_expression_is_function(const char *name);

#endif
