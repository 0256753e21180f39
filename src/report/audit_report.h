/* What the files that show an audit share. */
#ifndef CUTLAB_REPORT_AUDIT_REPORT_H
#define CUTLAB_REPORT_AUDIT_REPORT_H

#include "audit/audit_internal.h"
#include "report/report_internal.h"

/* An audit as it is shown: what follows from it and several files need. */
typedef struct cutlab_audit_view {
  const cutlab_audit *audit;
  const char **colours; /* [methods] */
  double *share;        /* [methods][N] share of trainings that are right */
  double *probability;  /* [methods][N] mean probability of the label */
  int64_t *prediction; /* [methods][N] the class that most trainings predict, the first of equals */
  int64_t *difficulty; /* [N] group 0.. of difficulty, or NULL */
} cutlab_audit_view;

/* audit_view.c */
cutlab_status cutlab_audit_view_make(cutlab_context *context, cutlab_audit_view *view,
                                     const cutlab_audit *audit);
void cutlab_audit_view_clear(cutlab_audit_view *view);
/* The interval to show: over trainings too, or where there are too few, over examples. */
void cutlab_audit_interval(double *low, double *high, const cutlab_audit_estimate *estimate);
/* Whether the difference is significant after Holm, at 1 - confidence. */
bool cutlab_audit_significant(const cutlab_audit *audit, const cutlab_audit_estimate *estimate);
/* Groups of difficulty of each comparison. */
int64_t cutlab_audit_difficulties(const cutlab_audit *audit);
/* The list with one more value; NULL, releasing both, where either is NULL: what cannot be written,
   as a text that is not UTF-8, must not go missing unseen. */
json_t *cutlab_audit_with(json_t *list, json_t *value);

/* audit_csv.c: the .csv files; removes those of an earlier audit that this one has not. */
cutlab_status cutlab_audit_csv(cutlab_context *context, const char *folder,
                               const cutlab_audit_view *view);
/* audit_figures.c: every figure that the data can fill; release with cutlab_report_figures_free. */
cutlab_status cutlab_audit_figures(cutlab_context *context, cutlab_report_figure **figures,
                                   int *count, const cutlab_audit_view *view);
/* Removes from `folder` the figures of an earlier audit that this one has not. */
cutlab_status cutlab_audit_remove_figures(cutlab_context *context, const char *folder,
                                          const cutlab_report_figure *figures, int count);
/* audit_notes.c: sentences, each computed from the numbers: [string, ...]. */
json_t *cutlab_audit_table_notes(const cutlab_audit_view *view);
json_t *cutlab_audit_comparison_notes(const cutlab_audit_view *view, int comparison);
/* audit_gallery.c: the examples that galleries show, with their pictures as base64. */
cutlab_status cutlab_audit_gallery(cutlab_context *context, json_t **json,
                                   const cutlab_audit_view *view);
/* audit_page.c: audit.html. */
cutlab_status cutlab_audit_page(cutlab_context *context, const char *folder,
                                const cutlab_audit_view *view, const cutlab_report_figure *figures,
                                int count);

extern const char cutlab_asset_audit_html[], cutlab_asset_audit_css[], cutlab_asset_audit_js[];
extern const char cutlab_asset_audit_gallery_js[];
extern const char cutlab_asset_audit_quantiles[], cutlab_asset_audit_bins[];
extern const char cutlab_asset_audit_table[], cutlab_asset_audit_gain[];
extern const char cutlab_asset_audit_changes[];

#endif
