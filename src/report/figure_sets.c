/* Which figures there are for each kind of run. */
#include "report/figures.h"

#define OFFSET(field) offsetof(cutlab_report_point, field)
#define OUTPUTS                                                                                    \
  {"common", OFFSET(output[0]), false}, {"rare", OFFSET(output[1]), false}, {                      \
    "extremely rare", OFFSET(output[2]), false                                                     \
  }
#define ACCURACIES                                                                                 \
  {"common", OFFSET(accuracy[0]), false}, {"rare", OFFSET(accuracy[1]), false}, {                  \
    "extremely rare", OFFSET(accuracy[2]), false                                                   \
  }
#define SIMULATED_OUTPUTS                                                                          \
  "The network's output for a feature alone, signed so that learnt is positive. Line: median "     \
  "over "                                                                                          \
  "seeds; band: their range"

static const cutlab_figure_set sets[cutlab_figure_sets] = {
    {.source = &cutlab_report_simulated,
     .curves =
         {{"features",
           "What is learnt, by rarity of the feature",
           SIMULATED_OUTPUTS ".",
           "φ(⟨w₊, v⟩) − φ(⟨w₋, v⟩)",
           false,
           SIMULATED_OUTPUTS "; dashed: the value that minimises the CutMix loss.",
           {OUTPUTS}},
          {"loss",
           "Training loss",
           "Each method's own exact objective; for CutMix also what is left above its least "
           "possible value.",
           "loss",
           true,
           NULL,
           {{"loss", OFFSET(loss), false}, {"CutMix: loss − minimum", OFFSET(excess_loss), true}}},
          {"accuracy-curves",
           "Accuracy on fresh points, as training goes",
           "Population accuracy, overall and where the fresh point has a feature of that rarity; "
           "by "
           "Monte Carlo where it is not known exactly.",
           "population accuracy",
           false,
           NULL,
           {{"all points", OFFSET(fresh_accuracy), false}, ACCURACIES}},
          {"evenness",
           "How evenly the training patches are learnt",
           "Root mean square of y a / z − 1 over training patches: 0 is perfectly even, 1 is "
           "nothing learnt (or as far off).",
           "distance from even",
           true,
           NULL,
           {{"feature patches", OFFSET(evenness_by_kind[0]), false},
            {"dominant-noise patches", OFFSET(evenness_by_kind[1]), false},
            {"background-noise patches", OFFSET(evenness_by_kind[2]), false}}}},
     .accuracy_after = 1,
     .accuracy = {{"any", OFFSET(fresh_accuracy), false}, ACCURACIES},
     .curves_key = "Measured by CutLab. Line: median over seeds; band: range.",
     .finals = {"Accuracy on fresh points", "Measured by CutLab. Dots: seeds; bar: mean.",
                "After the last measurement. Dots: seeds; bar: their mean."},
     .predicted = {"Accuracy on fresh points, measured and predicted",
                   "Measured by CutLab. Dots: seeds; bar: mean; hollow diamond: theory.",
                   "After the last measurement. Dots: seeds; bar: their mean; hollow diamond: what "
                   "the theory predicts."},
     .value_title = "population accuracy",
     .x_title = "fresh points whose feature is",
     .overview_name = "accuracy",
     .overview_title = "Accuracy on fresh points"},
    {.source = &cutlab_report_trained,
     .curves = {{"features",
                 "What is learnt, by rarity of the feature",
                 "The network's output for a feature alone: the logit of its class minus the "
                 "largest other, so that learnt is positive. Line: mean over seeds; band: their "
                 "range.",
                 "logit − largest other",
                 false,
                 NULL,
                 {OUTPUTS}},
                {"test-accuracy",
                 "Test accuracy, as training goes",
                 "Share of test examples predicted right; where features are planted, also among "
                 "those that show a feature of that rarity. Line: mean over seeds; band: their "
                 "range.",
                 "test accuracy",
                 false,
                 NULL,
                 {{"all test examples", OFFSET(fresh_accuracy), false}, ACCURACIES}},
                {"loss",
                 "Loss",
                 "Cross-entropy, in training of what the method makes of examples and labels: "
                 "where labels are mixed it cannot reach 0. Line: mean over seeds; band: their "
                 "range.",
                 "loss",
                 true,
                 NULL,
                 {{"training", OFFSET(loss), false}, {"test", OFFSET(test_loss), false}}}},
     .accuracy_after = 3,
     .accuracy = {{"any", OFFSET(fresh_accuracy), false}, ACCURACIES},
     .curves_key = "Measured by CutLab. Line: mean over seeds; band: range.",
     .finals = {"Test accuracy at the end", "Measured by CutLab. Dots: seeds; bar: mean.",
                "After the last measurement. Dots: seeds; bar: their mean."},
     .value_title = "test accuracy",
     .x_title = "test examples whose feature is",
     .overview_name = "test-accuracy",
     .overview_title = "Test accuracy at the end"}};

const cutlab_figure_set *cutlab_figure_set_at(int i) {
  return &sets[i];
}

const cutlab_figure_set *cutlab_figure_set_of(const cutlab_report *report, int group) {
  return report->groups[group].source == sets[0].source ? &sets[0] : &sets[1];
}
