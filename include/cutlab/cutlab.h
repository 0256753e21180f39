/* CutLab: what a network learns when its inputs are cut and mixed.
   This is the one supported include. */
#ifndef CUTLAB_CUTLAB_H
#define CUTLAB_CUTLAB_H

#include <cutlab/accuracy.h>
#include <cutlab/array.h>
#include <cutlab/audit.h>
#include <cutlab/augment.h>
#include <cutlab/collection.h>
#include <cutlab/context.h>
#include <cutlab/dataset.h>
#include <cutlab/experiment.h>
#include <cutlab/export.h>
#include <cutlab/images.h>
#include <cutlab/network.h>
#include <cutlab/objective.h>
#include <cutlab/optimum.h>
#include <cutlab/random.h>
#include <cutlab/report.h>
#include <cutlab/run.h>
#include <cutlab/sheet.h>
#include <cutlab/simulation.h>
#include <cutlab/status.h>
#include <cutlab/sweep.h>
#include <cutlab/train.h>
#include <cutlab/version.h>

#endif
