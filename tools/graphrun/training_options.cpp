#include "tools/graphrun/training_options.h"

#include <CLI/CLI.hpp>
#include <array>
#include <charconv>
#include <string>
#include <utility>

#include "runtime/base/text.h"
#include "runtime/session/session.h"
#include "runtime/train/run_length.h"

namespace graphrun {
namespace {

constexpr const char* kTraining = "Training";

void declare_period(CLI::App& app, const std::string& name, auto& value, const std::string& text) {
  app.add_option(name, value, text)
      ->check(graphrt::why_not_decimal)
      ->check(CLI::Range(int64_t{1}, graphrt::kMaxRunSteps))
      ->type_name("STEPS")
      ->group(kTraining);
}

graphrt::Result<uint64_t> parse_seed(const std::string& text) {
  uint64_t seed = 0;
  const char* end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, seed);
  if (error == std::errc() && stop == end && !graphrt::has_leading_zero(text)) return seed;
  return graphrt::usage_error("--shuffle=" + text +
                              ": a seed is a whole number from 0 to 2^64 - 1");
}

}  // namespace

void declare_training(CLI::App& app, TrainingOptions& options) {
  app.add_option("--epochs", options.num_epochs,
                 "Run until every row of the feeds was used so often, instead of --steps")
      ->check(graphrt::why_not_decimal)
      ->check(CLI::Range(int64_t{1}, graphrt::kMaxEpochs))
      ->type_name("N")
      ->group(kTraining);
  app.add_flag("--shuffle{0}")
      ->description("Go through the rows in a new order every epoch; the SEED decides which")
      ->type_name("[=SEED]")
      ->group(kTraining);
  app.add_option("--eval", options.evaluation,
                 "Evaluate with this plan, which shares states by name, at the end")
      ->type_name("plan.bin")
      ->group(kTraining);
  declare_period(app, "--eval-every", options.evaluation_every, "Evaluate so often, too");
  app.add_option("--metrics", options.metrics, "Write a table of all scalar outputs")
      ->type_name("FILE.csv")
      ->group(kTraining);
  declare_period(app, "--metrics-every", options.metrics_every,
                 "One line so often, and for the last step (100)");
  app.add_option("--checkpoint", options.checkpoint,
                 "Write all that is needed to go on, when the run ends or is stopped")
      ->type_name("FILE.safetensors")
      ->group(kTraining);
  declare_period(app, "--checkpoint-every", options.checkpoint_every, "Write it so often, too");
  app.add_flag("--resume", options.is_resumed,
               "Go on from the checkpoint, if there is one; --steps and --epochs still count from "
               "the beginning")
      ->group(kTraining);
  app.add_flag("--detect-nan", options.detects_nan,
               "Stop at the first NaN or infinity in a scalar output or a state, and say where it "
               "comes from")
      ->group(kTraining);
}

graphrt::Result<void> finish_training(const CLI::App& app, TrainingOptions& options) {
  if (app.count("--shuffle") > 0) {
    TRY(options.shuffle_seed, parse_seed(app["--shuffle"]->results().back()));
  }
  if (options.num_epochs && app.count("--steps") > 0) {
    return graphrt::usage_error("--steps and --epochs both say how long the run is; give one");
  }
  const std::array<std::pair<const char*, const char*>, 4> needs = {
      {{"--eval-every", "--eval"},
       {"--metrics-every", "--metrics"},
       {"--checkpoint-every", "--checkpoint"},
       {"--resume", "--checkpoint"}}};
  for (const auto& [option, needed] : needs) {
    if (app.count(option) == 0 || app.count(needed) > 0) continue;
    return graphrt::usage_error(std::string(option) + " means nothing without " + needed + "=FILE");
  }
  return {};
}

}  // namespace graphrun
