/* The random streams of all rooms: the second half of a generator's key. A number, once
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
  cutlab_stream_augment = 9,     /* (epoch, sample, step): a sample's own draws */
  cutlab_stream_shared = 10,     /* (epoch, batch or pair, step): draws that samples share */
  cutlab_stream_partner = 11,    /* (epoch, batch, step): who is whose partner */
  cutlab_stream_choice = 12,     /* (epoch, sample or batch, choice): the alternative taken */
  cutlab_stream_mask = 13,       /* seed: key of an entry; (): the field behind a mask */
  cutlab_stream_weights = 14,    /* (tensor): initial weights of a network */
  cutlab_stream_dropout = 15,    /* (step, operation, block of elements) */
  cutlab_stream_world = 16,      /* (part, example): feature-noise data rendered as inputs */
  cutlab_stream_fold = 17,       /* (): the order in which examples are dealt into folds */
  cutlab_stream_bootstrap = 18,  /* (draw, examples or trainings): what is drawn again */
  cutlab_stream_flip = 19,       /* (example): is its label flipped? */
  cutlab_stream_uniform = 20,    /* (filter): uniform weights, features first; in bulk */
  cutlab_stream_bias = 21,       /* (filter): its initial bias */
  cutlab_stream_place = 22,      /* (example): is its feature in the first patch? */
  cutlab_stream_along = 23,      /* (noise row): its coordinates along the features */
  cutlab_stream_fresh = 24,      /* (block, part): fresh points in filter space; in bulk */
  cutlab_stream_mixup = 30,      /* (iteration, example): sampled Mixup, partner and lambda */
  cutlab_stream_sweep = 40,      /* (name of an axis, point): random axes of a sweep */
  cutlab_stream_shuffle = 1000,  /* (epoch): the order of a data set */
};

#endif
