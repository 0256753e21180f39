/* Self-contained HTML pages: what those of runs, audits and sweeps share. */
#ifndef CUTLAB_REPORT_PAGE_FILE_H
#define CUTLAB_REPORT_PAGE_FILE_H

#include "report/report_internal.h"

typedef struct cutlab_page {
  const char *name;    /* of the file */
  const char *html;    /* with {{css}}, {{data}}, ... where the parts go */
  const char *css;     /* the page's own, for {{own-css}}, or NULL */
  const char *more_js; /* before `js`, for {{more-js}}, or NULL */
  const char *js;      /* for {{js}} */
} cutlab_page;

/* Writes the page into the folder. Takes `data`, JSON text; NULL: memory did not suffice for it. */
cutlab_status cutlab_page_write(cutlab_context *context, const char *folder,
                                const cutlab_page *page, char *data);
/* A figure for the page's data. */
json_t *cutlab_page_figure(const cutlab_report_figure *figure);

#endif
