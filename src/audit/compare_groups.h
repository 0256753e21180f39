/* Groups of examples in a comparison of two methods. */
#ifndef CUTLAB_AUDIT_COMPARE_GROUPS_H
#define CUTLAB_AUDIT_COMPARE_GROUPS_H

#include "audit/audit_internal.h"

/* Fills all, classes and difficulty of a comparison whose fates and gains are filled in. */
cutlab_status cutlab_compare_groups(cutlab_context *context, cutlab_audit_comparison *comparison,
                                    const cutlab_audit *audit);

#endif
