/* Epochs and steps. */
#include "train/loop.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>

#include "base/clock.h"
#include "train/examples.h"
#include "train/schedule.h"

static const double refresh_seconds = .2; /* of the text that progress shows */

/* The loop's own, beside what the trainer holds. */
typedef struct loop {
  cutlab_trainer *trainer;
  cutlab_context *context;
  cutlab_loader *loader;
  float *logits;                    /* [batch][classes] of the last step */
  double saved_at, shown_at, timed; /* times: of checkpoint, of text, up to which time is counted */
  double began;                     /* when this process began to train */
  int64_t first_step;               /* its first step */
  char what[128];
} loop;

static int64_t steps_done(const cutlab_trainer *t) {
  return t->position.epoch * t->steps_per_epoch + t->position.step;
}

static int64_t all_steps(const cutlab_trainer *t) {
  return t->settings->epochs * t->steps_per_epoch;
}

/* Counts the time since the last call. */
static double count_time(loop *l) {
  double time = cutlab_seconds(), passed = time - l->timed;
  l->timed = time;
  l->trainer->position.seconds += passed;
  return passed;
}

static cutlab_status save(loop *l) {
  cutlab_trainer *t = l->trainer;
  count_time(l);
  CUTLAB_TRY(cutlab_metrics_flush(l->context, &t->metrics));
  CUTLAB_TRY(cutlab_checkpoint_write(l->context, t->checkpoints, &t->optimiser, &t->position,
                                     steps_done(t), t->settings->keep));
  l->saved_at = cutlab_seconds();
  return CUTLAB_OK;
}

/* "epoch 3/30 loss 1.234 1234 images/s 0:12:10 left" */
static void update_text(loop *l) {
  const cutlab_trainer *t = l->trainer;
  const cutlab_position *p = &t->position;
  double time = cutlab_seconds(), seen = (double)(p->step * t->source.batch);
  if (l->what[0] && time - l->shown_at < refresh_seconds) return;
  l->shown_at = time;
  double done = (double)(steps_done(t) - l->first_step);
  double left = done > 0 ? (time - l->began) / done * (double)(all_steps(t) - steps_done(t)) : 0;
  int64_t seconds = left < 1e9 ? (int64_t)(left + .5) : 1000000000;
  double speed = p->epoch_seconds > 0 ? seen / p->epoch_seconds : 0;
  snprintf(l->what, sizeof l->what,
           "epoch %" PRId64 "/%" PRId64 " loss %.3f %.0f images/s %" PRId64 ":%02d:%02d left",
           p->epoch + 1, t->settings->epochs, seen > 0 ? p->loss_sum / seen : 0, speed,
           seconds / 3600, (int)(seconds / 60 % 60), (int)(seconds % 60));
}

/* Label mass at the predicted classes: under mixing, the expected number of examples predicted
   right if each one's class were drawn from its label. */
static double label_mass(const float *logits, const float *labels, int64_t count, int64_t classes) {
  double sum = 0;
  for (int64_t i = 0; i < count; ++i, logits += classes, labels += classes)
    sum += (double)labels[cutlab_predicted(logits, classes)];
  return sum;
}

static cutlab_status step(loop *l) {
  cutlab_trainer *t = l->trainer;
  cutlab_position *p = &t->position;
  int64_t at = steps_done(t), batch = t->source.batch;
  const float *pixels, *labels;
  double loss, rate = cutlab_schedule_rate(t->settings, t->steps_per_epoch, at);
  CUTLAB_TRY(cutlab_loader_next(l->context, l->loader, &pixels, &labels));
  CUTLAB_TRY(cutlab_network_gradient(l->context, t->network, &loss, l->logits, pixels, labels,
                                     batch, t->settings->seed, at));
  if (!isfinite(loss))
    return cutlab_fail(l->context, CUTLAB_ERROR_NUMERIC,
                       "the loss is %g in epoch %" PRId64 ", step %" PRId64 " of %" PRId64
                       ": the training diverged; lower learning_rate (%g) or lengthen warmup, and "
                       "remove %s or begin in another folder",
                       fabs(loss), p->epoch + 1, p->step + 1, t->steps_per_epoch,
                       t->settings->learning_rate, t->folder);
  cutlab_optimiser_step(l->context, &t->optimiser, rate, at);
  p->loss_sum += loss * (double)batch;
  p->label_sum += label_mass(l->logits, labels, batch, t->collection.classes);
  ++p->step;
  p->epoch_seconds += count_time(l);
  return cutlab_metrics_step(l->context, &t->metrics, at + 1, loss, rate);
}

/* The steps that are left of an epoch. */
static cutlab_status steps(loop *l) {
  cutlab_trainer *t = l->trainer;
  double minutes = t->settings->checkpoint_minutes;
  while (t->position.step < t->steps_per_epoch) {
    update_text(l);
    CUTLAB_TRY(cutlab_report_progress(l->context, l->what, steps_done(t), all_steps(t)));
    CUTLAB_TRY(step(l));
    if (minutes > 0 && cutlab_seconds() - l->saved_at > 60 * minutes) CUTLAB_TRY(save(l));
  }
  return CUTLAB_OK;
}

/* The training examples as they are: one pass for all that asks for it. */
static cutlab_status add_clean(loop *l, json_t *line, bool due) {
  cutlab_trainer *t = l->trainer;
  const cutlab_collection *c = &t->collection;
  bool accuracy = due && t->settings->clean_accuracy, each = t->settings->log_examples;
  cutlab_outcome clean;
  if (!accuracy && !each) return CUTLAB_OK;
  float *logits = cutlab_allocate(l->context, c->train.count * c->classes, sizeof *logits);
  if (!logits) return CUTLAB_ERROR_MEMORY;
  cutlab_status status = cutlab_evaluate(l->context, &t->evaluator, &clean, logits, &c->train);
  if (status == CUTLAB_OK && each)
    status = cutlab_examples_log(l->context, t->folder, logits, &c->train, c->classes,
                                 t->position.epoch + 1);
  free(logits);
  if (status != CUTLAB_OK || !accuracy) return status;
  json_object_set_new(line, "clean_train_loss", cutlab_json_number(clean.loss));
  json_object_set_new(line, "clean_train_accuracy", cutlab_json_number(clean.accuracy));
  return CUTLAB_OK;
}

static cutlab_status test(cutlab_trainer *t, cutlab_outcome *outcome) {
  *outcome = (cutlab_outcome){NAN, NAN};
  if (t->collection.test.count)
    CUTLAB_TRY(
        cutlab_evaluate(t->context, &t->evaluator, outcome, t->test_logits, &t->collection.test));
  t->tested = t->position.epoch + 1;
  return CUTLAB_OK;
}

/* Everything that is measured at the end of an epoch, added to its line. */
static cutlab_status add_measurements(loop *l, json_t *line, bool due) {
  cutlab_trainer *t = l->trainer;
  cutlab_outcome outcome = {NAN, NAN};
  CUTLAB_TRY(add_clean(l, line, due));
  if (due) CUTLAB_TRY(test(t, &outcome));
  json_object_set_new(line, "test_loss", cutlab_json_number(outcome.loss));
  json_object_set_new(line, "test_accuracy", cutlab_json_number(outcome.accuracy));
  if (!due || !t->collection.probes.feature_count) return CUTLAB_OK;
  json_t *features;
  CUTLAB_TRY(cutlab_evaluate_features(l->context, &t->evaluator, &features, &t->collection,
                                      t->collection.test.count ? t->test_logits : NULL));
  json_object_set_new(line, "features", features);
  return CUTLAB_OK;
}

static cutlab_status measure(loop *l, json_t **line) {
  cutlab_trainer *t = l->trainer;
  cutlab_position *p = &t->position;
  int64_t epoch = p->epoch + 1, last = t->settings->epochs;
  double seen = (double)(t->steps_per_epoch * t->source.batch);
  bool due = epoch == last || epoch % t->settings->evaluate_every == 0;
  double rate = cutlab_schedule_rate(t->settings, t->steps_per_epoch, steps_done(t) - 1);
  snprintf(l->what, sizeof l->what, "epoch %" PRId64 "/%" PRId64 " testing", epoch, last);
  t->evaluator.what = l->what;
  *line = json_pack("{s:I,s:I,s:o,s:o}", "epoch", (json_int_t)epoch, "step",
                    (json_int_t)steps_done(t), "train_loss", cutlab_json_number(p->loss_sum / seen),
                    "train_accuracy", cutlab_json_number(p->label_sum / seen));
  if (!*line) return cutlab_fail(l->context, CUTLAB_ERROR_MEMORY, "out of memory: metrics");
  cutlab_status status = add_measurements(l, *line, due);
  count_time(l);
  l->what[0] = '\0';
  double speed = p->epoch_seconds > 0 ? seen / p->epoch_seconds : NAN;
  json_object_set_new(*line, "learning_rate", cutlab_json_number(rate));
  json_object_set_new(*line, "images_per_second", cutlab_json_number(speed));
  json_object_set_new(*line, "seconds", cutlab_json_number(p->seconds));
  return status;
}

/* Steps, measurements and the line of one epoch; then the position is at the next one's start. */
static cutlab_status epoch(loop *l) {
  cutlab_trainer *t = l->trainer;
  json_t *line = NULL;
  CUTLAB_TRY(steps(l));
  cutlab_status status = measure(l, &line);
  if (status != CUTLAB_OK) {
    json_decref(line);
    return status;
  }
  CUTLAB_TRY(cutlab_metrics_add(l->context, &t->metrics, line));
  t->position = (cutlab_position){
      .epoch = t->position.epoch + 1, .seconds = t->position.seconds, .run = t->position.run};
  bool due = t->position.epoch % t->settings->checkpoint_every == 0;
  return due || t->position.epoch == t->settings->epochs ? save(l) : CUTLAB_OK;
}

/* Says where it stopped, with the checkpoint written. */
static cutlab_status stop(loop *l) {
  const cutlab_trainer *t = l->trainer;
  CUTLAB_TRY(save(l));
  return cutlab_fail(
      l->context, CUTLAB_CANCELLED,
      "stopped in epoch %" PRId64 " of %" PRId64 ", after step %" PRId64 " of %" PRId64,
      t->position.epoch + 1, t->settings->epochs, t->position.step, t->steps_per_epoch);
}

cutlab_status cutlab_loop(cutlab_trainer *trainer) {
  cutlab_trainer *t = trainer;
  loop l = {.trainer = t, .context = t->context, .first_step = steps_done(t)};
  l.began = l.timed = l.saved_at = cutlab_seconds();
  l.logits = cutlab_allocate(t->context, t->source.batch * t->collection.classes, sizeof *l.logits);
  if (!l.logits) return CUTLAB_ERROR_MEMORY;
  cutlab_status status = cutlab_loader_open(t->context, &l.loader, &t->source, steps_done(t),
                                            all_steps(t), (int)t->settings->workers);
  while (status == CUTLAB_OK && t->position.epoch < t->settings->epochs) status = epoch(&l);
  cutlab_loader_close(l.loader);
  if (status == CUTLAB_CANCELLED) status = stop(&l);
  free(l.logits);
  return status;
}
