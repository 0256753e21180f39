/* Whether the misclassified examples' mean scores fall from ERM to Cutout to CutMix. */
#include <math.h>

#include "audit/audit_internal.h"

/* The mean of `low` minus that of `high`, and its p, whichever way round the pair stands. */
static double difference(const cutlab_audit_table *table, int high, int low, double *p) {
  for (int i = 0; i < table->pair_count; ++i) {
    const cutlab_audit_pair *pair = &table->pairs[i];
    const cutlab_audit_estimate *e = &pair->statistics[cutlab_audit_mean];
    *p = e->adjusted_p;
    if (pair->first == high && pair->second == low) return e->value;
    if (pair->first == low && pair->second == high) return -e->value;
  }
  *p = NAN;
  return NAN;
}

static cutlab_audit_verdict judge(const cutlab_audit *audit, const cutlab_audit_table *table,
                                  const int methods[3]) {
  const double level = 1 - audit->options.confidence;
  bool falls = true, surely = true;
  for (int i = 0; i < 2; ++i) {
    double p, d = difference(table, methods[i], methods[i + 1], &p);
    falls &= d < 0;
    surely &= d < 0 && p < level;
  }
  if (surely) return CUTLAB_AUDIT_HOLDS;
  return falls ? CUTLAB_AUDIT_HOLDS_UNSURELY : CUTLAB_AUDIT_DOES_NOT_HOLD;
}

cutlab_audit_order cutlab_audit_order_of(const cutlab_audit *audit) {
  const int methods[3] = {cutlab_audit_find_method(audit, "ERM"),
                          cutlab_audit_find_method(audit, "Cutout"),
                          cutlab_audit_find_method(audit, "CutMix")};
  cutlab_audit_order order = {0};
  order.known = audit->plain.there && audit->matched.there && methods[0] >= 0 && methods[1] >= 0 &&
                methods[2] >= 0;
  if (!order.known) return order;
  for (int i = 0; i < 3; ++i) order.of_networks |= audit->methods[methods[i]].training_count < 3;
  order.plain = judge(audit, &audit->plain, methods);
  order.matched = judge(audit, &audit->matched, methods);
  return order;
}

const char *cutlab_audit_order_text(cutlab_audit_verdict verdict) {
  static const char *const texts[] = {
      "does not hold", "holds in the estimates, but not every step is beyond chance", "holds"};
  return texts[verdict];
}
