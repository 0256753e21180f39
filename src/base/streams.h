/* The random streams of the theory wing: the second half of a generator's key. A number, once
   given, is never reused for anything else: it would change every published seed. */
#ifndef CUTLAB_STREAMS_H
#define CUTLAB_STREAMS_H

enum {
  cutlab_stream_label = 1,       /* counter (example) */
  cutlab_stream_feature = 2,     /* (example), or (class) for stratified draws */
  cutlab_stream_position = 3,    /* (example): feature position, noise position, noise sign */
  cutlab_stream_noise = 4,       /* (noise row): its coordinates in R^d */
  cutlab_stream_filter = 5,      /* (filter, 0): feature coordinates; (filter, 1): the others */
  cutlab_stream_wishart = 6,     /* (row): a row of Bartlett's factor */
  cutlab_stream_sample = 7,      /* (iteration, example): sampled cuts and mixes */
  cutlab_stream_monte_carlo = 8, /* (block): fresh points */
};

#endif
