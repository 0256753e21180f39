/* A recursive-descent compiler to postfix code, and its evaluation on a stack. */
#include "sweep/expression.h"

#include <ctype.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cutlab/experiment.h>

#include "base/number.h"

enum { most_steps = 1024, most_depth = 64, most_arguments = 8, longest_name = 64 };

typedef enum step_kind { STEP_NUMBER, STEP_VARIABLE, STEP_CALL } step_kind;

typedef struct step {
  step_kind kind;
  int index; /* of the variable or function */
  int arguments;
  double number;
} step;

struct cutlab_expression {
  int count;
  step steps[];
};

static double add(const double *x, int n) {
  return n == 1 ? x[0] : x[0] + x[1];
}
static double subtract(const double *x, int n) {
  return n == 1 ? -x[0] : x[0] - x[1];
}
static double multiply(const double *x, int n) {
  return n == 1 ? x[0] : x[0] * x[1];
}
static double divide(const double *x, int n) {
  return n == 1 ? x[0] : x[0] / x[1];
}
static double power(const double *x, int n) {
  return n == 1 ? x[0] : pow(x[0], x[1]);
}
static double call_sqrt(const double *x, int n) {
  return n ? sqrt(x[0]) : NAN;
}
static double call_exp(const double *x, int n) {
  return n ? exp(x[0]) : NAN;
}
static double call_log(const double *x, int n) {
  return n ? log(x[0]) : NAN;
}
static double call_log10(const double *x, int n) {
  return n ? log10(x[0]) : NAN;
}
static double call_abs(const double *x, int n) {
  return n ? fabs(x[0]) : NAN;
}
static double call_round(const double *x, int n) {
  return n ? round(x[0]) : NAN;
}
static double call_floor(const double *x, int n) {
  return n ? floor(x[0]) : NAN;
}
static double call_min(const double *x, int n) {
  double least = x[0];
  for (int i = 1; i < n; ++i) least = fmin(least, x[i]);
  return least;
}
static double call_max(const double *x, int n) {
  double most = x[0];
  for (int i = 1; i < n; ++i) most = fmax(most, x[i]);
  return most;
}

/* Operators first, in this order; names with a letter can be written. */
static const struct {
  const char *name;
  int least, most; /* arguments */
  double (*apply)(const double *arguments, int count);
} functions[] = {{"+", 1, 2, add},
                 {"-", 1, 2, subtract},
                 {"*", 2, 2, multiply},
                 {"/", 2, 2, divide},
                 {"^", 2, 2, power},
                 {"sqrt", 1, 1, call_sqrt},
                 {"exp", 1, 1, call_exp},
                 {"log", 1, 1, call_log},
                 {"log10", 1, 1, call_log10},
                 {"abs", 1, 1, call_abs},
                 {"round", 1, 1, call_round},
                 {"floor", 1, 1, call_floor},
                 {"min", 1, most_arguments, call_min},
                 {"max", 1, most_arguments, call_max}};
enum { function_count = sizeof functions / sizeof *functions, first_named = 5 };

typedef struct compiler {
  cutlab_context *context;
  const char *text, *at, *end;
  cutlab_variable_fn find;
  void *user;
  const char *const *names;
  int name_count, depth, stack, count;
  step steps[most_steps];
} compiler;

static int function_index(const char *name) {
  for (int i = 0; i < function_count; ++i)
    if (strcmp(functions[i].name, name) == 0) return i;
  return -1;
}

bool cutlab_expression_is_function(const char *name) {
  return function_index(name) >= first_named;
}

static cutlab_status fail_here(compiler *c, const char *expected) {
  char found[24] = "the end";
  if (c->at < c->end) snprintf(found, sizeof found, "'%c'", *c->at);
  return cutlab_fail(c->context, CUTLAB_ERROR_ARGUMENT, "'%.*s', character %d: %s instead of %s",
                     c->end - c->text > 120 ? 120 : (int)(c->end - c->text), c->text,
                     (int)(c->at - c->text) + 1, found, expected);
}

static char peek(compiler *c) {
  while (c->at < c->end && isspace((unsigned char)*c->at)) ++c->at;
  return c->at < c->end ? *c->at : '\0';
}

static cutlab_status push(compiler *c, step s) {
  c->stack += s.kind == STEP_CALL ? 1 - s.arguments : 1;
  if (c->count == most_steps || c->stack > most_depth)
    return cutlab_fail(
        c->context, CUTLAB_ERROR_ARGUMENT,
        "'%.60s...' is too long; accepted: %d numbers, names and operations, %d deep", c->text,
        most_steps, most_depth);
  c->steps[c->count++] = s;
  return CUTLAB_OK;
}

static cutlab_status call(compiler *c, int function, int arguments) {
  return push(c, (step){STEP_CALL, function, arguments, 0});
}

static cutlab_status compile_sum(compiler *c);

static cutlab_status expect(compiler *c, char wanted) {
  const char expected[] = {'\'', wanted, '\'', '\0'};
  if (peek(c) != wanted) return fail_here(c, expected);
  ++c->at;
  return CUTLAB_OK;
}

/* Digits, a point, an exponent with its sign. */
static cutlab_status compile_number(compiler *c) {
  char text[longest_name];
  const char *start = c->at;
  while (c->at < c->end && (isdigit((unsigned char)*c->at) || *c->at == '.')) ++c->at;
  const char *mark = c->at;
  if (mark < c->end && (*mark == 'e' || *mark == 'E')) {
    ++mark;
    if (mark < c->end && (*mark == '+' || *mark == '-')) ++mark;
    if (mark < c->end && isdigit((unsigned char)*mark)) {
      while (mark < c->end && isdigit((unsigned char)*mark)) ++mark;
      c->at = mark;
    }
  }
  double number;
  snprintf(text, sizeof text, "%.*s", (int)(c->at - start < 60 ? c->at - start : 60), start);
  if (!cutlab_number_parse(&number, text)) {
    c->at = start;
    return fail_here(c, "a number");
  }
  return push(c, (step){STEP_NUMBER, 0, 0, number});
}

static cutlab_status compile_call(compiler *c, int function, const char *name) {
  int count = 0;
  CUTLAB_TRY(expect(c, '('));
  do {
    if (count) ++c->at; /* the comma */
    CUTLAB_TRY(compile_sum(c));
    ++count;
  } while (peek(c) == ',' && count < functions[function].most);
  if (count < functions[function].least || peek(c) == ',')
    return cutlab_fail(c->context, CUTLAB_ERROR_ARGUMENT, "'%.*s': %s takes at most %d argument%s",
                       (int)(c->end - c->text), c->text, name, functions[function].most,
                       functions[function].most == 1 ? "" : "s");
  CUTLAB_TRY(expect(c, ')'));
  return call(c, function, count);
}

static cutlab_status fail_name(compiler *c, const char *name) {
  int nearest = cutlab_nearest_name(name, c->names, c->name_count);
  return cutlab_fail(c->context, CUTLAB_ERROR_ARGUMENT, "'%.*s': unknown name '%s'; nearest: %s",
                     c->end - c->text > 120 ? 120 : (int)(c->end - c->text), c->text, name,
                     nearest < 0 ? "none" : c->names[nearest]);
}

static cutlab_status compile_name(compiler *c) {
  char name[longest_name];
  const char *start = c->at;
  while (c->at < c->end && (isalnum((unsigned char)*c->at) || *c->at == '_')) ++c->at;
  snprintf(name, sizeof name, "%.*s", (int)(c->at - start < 60 ? c->at - start : 60), start);
  int function = function_index(name);
  if (function >= 0) return compile_call(c, function, name);
  int variable = c->find(c->user, name);
  if (variable < 0) return fail_name(c, name);
  return push(c, (step){STEP_VARIABLE, variable, 0, 0});
}

static cutlab_status compile_primary(compiler *c) {
  char next = peek(c);
  if (isdigit((unsigned char)next) || next == '.') return compile_number(c);
  if (isalpha((unsigned char)next) || next == '_') return compile_name(c);
  if (next != '(') return fail_here(c, "a number, a name or '('");
  ++c->at;
  CUTLAB_TRY(compile_sum(c));
  return expect(c, ')');
}

/* A sign binds less than a power: -2^2 is -4, and 2^-2 and 2^3^2 = 2^9 are read as usual. */
static cutlab_status compile_factor(compiler *c) {
  if (++c->depth > most_depth) return fail_here(c, "less nesting");
  char next = peek(c);
  cutlab_status status;
  if (next == '-' || next == '+') {
    ++c->at;
    status = compile_factor(c);
    if (status == CUTLAB_OK && next == '-') status = call(c, 1, 1);
  } else {
    status = compile_primary(c);
    if (status == CUTLAB_OK && peek(c) == '^') {
      ++c->at;
      status = compile_factor(c);
      if (status == CUTLAB_OK) status = call(c, 4, 2);
    }
  }
  --c->depth;
  return status;
}

static cutlab_status compile_product(compiler *c) {
  CUTLAB_TRY(compile_factor(c));
  for (char next = peek(c); next == '*' || next == '/'; next = peek(c)) {
    ++c->at;
    CUTLAB_TRY(compile_factor(c));
    CUTLAB_TRY(call(c, next == '*' ? 2 : 3, 2));
  }
  return CUTLAB_OK;
}

static cutlab_status compile_sum(compiler *c) {
  CUTLAB_TRY(compile_product(c));
  for (char next = peek(c); next == '+' || next == '-'; next = peek(c)) {
    ++c->at;
    CUTLAB_TRY(compile_product(c));
    CUTLAB_TRY(call(c, next == '+' ? 0 : 1, 2));
  }
  return CUTLAB_OK;
}

cutlab_status cutlab_expression_compile(cutlab_context *context, cutlab_expression **expression,
                                        const char *text, size_t length, cutlab_variable_fn find,
                                        void *user, const char *const *names, int name_count) {
  *expression = NULL;
  compiler *c = cutlab_allocate(context, 1, sizeof *c);
  if (!c) return CUTLAB_ERROR_MEMORY;
  c->context = context, c->find = find, c->user = user, c->names = names;
  c->name_count = name_count, c->text = c->at = text, c->end = text + length;
  cutlab_status status = compile_sum(c);
  if (status == CUTLAB_OK && peek(c)) status = fail_here(c, "an operator");
  if (status == CUTLAB_OK) {
    size_t size = sizeof **expression + (size_t)c->count * sizeof(step);
    *expression = cutlab_allocate(context, (int64_t)size, 1);
    if (!*expression) status = CUTLAB_ERROR_MEMORY;
  }
  if (status == CUTLAB_OK) {
    (*expression)->count = c->count;
    memcpy((*expression)->steps, c->steps, (size_t)c->count * sizeof(step));
  }
  free(c);
  return status;
}

double cutlab_expression_evaluate(const cutlab_expression *expression, const double *values) {
  double stack[most_depth + 1] = {NAN};
  int top = 0;
  for (int i = 0; i < expression->count; ++i) {
    const step *s = &expression->steps[i];
    if (s->kind == STEP_NUMBER) {
      stack[top++] = s->number;
    } else if (s->kind == STEP_VARIABLE) {
      stack[top++] = values[s->index];
    } else {
      top -= s->arguments;
      stack[top] = functions[s->index].apply(stack + top, s->arguments);
      ++top;
    }
  }
  return stack[0];
}

bool cutlab_expression_uses(const cutlab_expression *expression, int variable) {
  for (int i = 0; i < expression->count; ++i)
    if (expression->steps[i].kind == STEP_VARIABLE && expression->steps[i].index == variable)
      return true;
  return false;
}
