/* CUTLAB_API marks what the shared library exports; all else is hidden. */
#ifndef CUTLAB_EXPORT_H
#define CUTLAB_EXPORT_H

#if defined(__GNUC__)
#define CUTLAB_API __attribute__((visibility("default")))
#define CUTLAB_PRINTF(text, first) __attribute__((format(printf, text, first)))
#else
#define CUTLAB_API
#define CUTLAB_PRINTF(text, first)
#endif

#endif
