/* What a spec says, not yet put together: docs/sweeps.md describes it. */
#ifndef CUTLAB_SWEEP_SPEC_H
#define CUTLAB_SWEEP_SPEC_H

#include "base/base.h"

enum { cutlab_spec_where = 160 };

/* One "name: text", and where it stands, "FILE:LINE:COLUMN" for messages. */
typedef struct cutlab_entry {
  char *name, *text;
  char where[cutlab_spec_where];
} cutlab_entry;

typedef struct cutlab_entries {
  cutlab_entry *items;
  int count, capacity;
} cutlab_entries;

typedef struct cutlab_spec_axis {
  char *name;
  char where[cutlab_spec_where];
  cutlab_entries values; /* as listed; none: spaced or random */
  double from, to, step; /* step 0: `count` is given */
  int64_t count;
  bool logarithmic, random;
} cutlab_spec_axis;

typedef struct cutlab_spec {
  char name[128];
  cutlab_entry preset; /* text NULL: none */
  cutlab_entries parameters;
  cutlab_spec_axis *axes;
  int axis_count, axis_capacity;
  int64_t *seeds; /* NULL: seed_count from first_seed on */
  int64_t seed_count, first_seed, random_seed;
  bool own_draws;          /* every cell draws for itself; else cells share the draws of a seed */
  cutlab_entries measures; /* names; none: the default */
  double learnt_at, stop_train_loss; /* stop_train_loss 0: never */
  cutlab_entry map_x, map_y, map_panels;
  cutlab_entries map_values, boundaries;
} cutlab_spec;

void cutlab_spec_defaults(cutlab_spec *spec);
/* Frees what it holds. */
void cutlab_spec_clear(cutlab_spec *spec);
/* Reads YAML; `where` begins the messages. */
cutlab_status cutlab_spec_read(cutlab_context *context, cutlab_spec *spec, const char *text,
                               size_t size, const char *where);
/* Sets one thing from the YAML text of its value; the spec stays as it was on failure. */
cutlab_status cutlab_spec_set(cutlab_context *context, cutlab_spec *spec, const char *key,
                              const char *text);
/* The spec as YAML that read takes. Release with free. */
cutlab_status cutlab_spec_print(cutlab_context *context, char **text, const cutlab_spec *spec);

/* The number of an axis, or -1. */
int cutlab_spec_find_axis(const cutlab_spec *spec, const char *name);
/* Appends an axis, or replaces the one of that name; takes what it holds. */
cutlab_status cutlab_spec_put_axis(cutlab_context *context, cutlab_spec *spec,
                                   cutlab_spec_axis *axis);
void cutlab_spec_axis_clear(cutlab_spec_axis *axis);
/* Sets an entry that stands alone. */
cutlab_status cutlab_spec_set_entry(cutlab_context *context, cutlab_entry *entry, const char *text,
                                    const char *where);

/* Appends, copying; replaces an entry of that name. */
cutlab_status cutlab_entries_put(cutlab_context *context, cutlab_entries *entries, const char *name,
                                 const char *text, const char *where);
void cutlab_entries_clear(cutlab_entries *entries);
/* Fails with `where` before the message. */
cutlab_status cutlab_spec_fail(cutlab_context *context, const char *where, const char *format, ...)
    CUTLAB_PRINTF(3, 4);

#endif
