#include "tools/graphrun/options.h"

#include <CLI/CLI.hpp>
#include <charconv>
#include <map>
#include <set>

#include "runtime/base/result.h"
#include "runtime/base/text.h"
#include "tools/common/command_line.h"
#include "tools/common/program.h"
#include "tools/graphrun/check_paths.h"

namespace graphrun {
namespace {

constexpr const char* kDescription =
    "Runs a plan that graphc made: a verified, static schedule over a CPU and its accelerators.";

constexpr const char* kFooter =
    "Outputs that are scalars are printed after the run.\n"
    "--check allows |x - reference| <= 1e-4 * max(1, largest |reference|) for each tensor of\n"
    "floats (5e-3 with products in tf32, 4e-2 in bf16), and no difference for integers.\n"
    "Exit codes: 0 done; 1 the plan, an array or a name is wrong; 2 the command line is;\n"
    "3 this machine cannot run the plan, or write a file or standard output; 4 --check found a\n"
    "difference, or --detect-nan a NaN or an infinity, or 20 steps in a row were skipped by the\n"
    "loss scale; 129, 130, 143 stopped by SIGHUP, SIGINT, SIGTERM after whole steps; 141 the\n"
    "same, as nobody reads standard output or error any more.";

/// What CLI11 fills in: NAME=FILE options are still text.
struct RawOptions {
  Options options;
  int32_t num_repetitions = 0;
  std::string launch = "graph";
  std::vector<std::string> map;
  std::vector<std::string> rank_map;
  std::vector<std::string> inputs;
  std::vector<std::string> stacked_outputs;
  std::vector<std::string> last_outputs;
  bool is_cast = false;
};

void declare_data(CLI::App& app, RawOptions& raw) {
  app.add_option("--input", raw.inputs,
                 "Array for an input: of its shape, the same every step; with more rows, a feed")
      ->type_name("NAME=FILE.npy")
      ->expected(1)
      ->take_all();
  app.add_option("--output", raw.stacked_outputs, "Write an output's values of all steps, stacked")
      ->type_name("NAME=FILE.npy")
      ->expected(1)
      ->take_all();
  app.add_option("--output-last", raw.last_outputs, "Write an output's value of the last step")
      ->type_name("NAME=FILE.npy")
      ->expected(1)
      ->take_all();
  app.add_option("--save-state", raw.options.save_state, "Write the states after the run")
      ->type_name("FILE.safetensors");
  CLI::Option* load =
      app.add_option("--load-state", raw.options.load_state, "Start from these states")
          ->type_name("FILE.safetensors");
  app.add_flag("--partial", raw.options.is_partial,
               "Load the states that the file has in the plan's type, leave the others")
      ->needs(load);
  app.add_flag(
      "--cast", raw.is_cast,
      "Cast states of --load-state or --resume that the file has in another type of floats");
}

void declare_modes(CLI::App& app, RawOptions& raw) {
  Options& options = raw.options;
  app.add_option("--devices", options.session.devices.choice,
                 "What stands for the plan's accelerators: auto, emulated or cuda")
      ->check(CLI::IsMember({"auto", "emulated", "cuda"}))
      ->capture_default_str();
  app.add_option("--map", raw.map,
                 "Which device of its kind stands for one of the plan; two may share one")
      ->type_name("DEVICE=NUMBER,...")
      ->delimiter(',')
      ->expected(1)
      ->take_all();
  app.add_flag("--emulate", options.emulates,
               "Run all hosts of the plan in this process, as without mpirun");
  app.add_option("--rank-map", raw.rank_map,
                 "Which rank of mpirun stands for a host of the plan; the others in their order")
      ->type_name("HOST=RANK,...")
      ->delimiter(',')
      ->expected(1)
      ->take_all();
  app.add_option("--launch", raw.launch,
                 "How work gets onto GPUs: graph (many steps as one launch), streams (one by one) "
                 "or host (the host waits for each: for debuggers)")
      ->check(CLI::IsMember({"graph", "streams", "host"}))
      ->capture_default_str();
  app.add_option("--timeout", options.timeout_s,
                 "End a run that makes no progress for so many seconds, and say what every lane "
                 "waits for; 0: never")
      ->check(graphrt::why_not_decimal)
      ->check(CLI::Range(int64_t{0}, int64_t{1} << 30))
      ->type_name("SECONDS")
      ->capture_default_str();
  app.add_flag("--barrier", options.has_barrier,
               "End every step before the next starts: same results, for comparison");
  app.add_flag("--check", options.is_checked,
               "Compare all outputs and states with the reference executor");
  app.add_flag("--simulate", options.is_simulated, "Print the predicted timeline; run nothing");
  app.add_flag("--bench{10}", raw.num_repetitions,
               "Time a run of --steps, repeated (--bench=N: N times) after a warm-up")
      ->check(graphrt::why_not_decimal)
      ->type_name("");
  app.add_option("--trace", options.trace, "Write the measured timeline, for Perfetto")
      ->type_name("FILE.json");
  app.add_flag("-q,--quiet", options.is_quiet, "Print errors and asked-for reports only");
}

/// `NAME=FILE`. Errors: no '=', nothing before or after it.
graphrt::Result<NamedFile> parse_named_file(const std::string& option, const std::string& text) {
  const size_t at = text.find('=');
  if (at == std::string::npos || at == 0 || at + 1 == text.size()) {
    return graphrt::usage_error(option + " " + text + ": write NAME=FILE.npy");
  }
  return NamedFile{text.substr(0, at), text.substr(at + 1)};
}

graphrt::Result<std::vector<NamedFile>> parse_named_files(const std::string& option,
                                                          const std::vector<std::string>& texts) {
  std::vector<NamedFile> files;
  std::set<std::string> names;
  for (const std::string& text : texts) {
    TRY(NamedFile file, parse_named_file(option, text));
    if (!names.insert(file.name).second) {
      return graphrt::usage_error(option + " names '" + file.name + "' twice");
    }
    files.push_back(std::move(file));
  }
  return files;
}

/// `gpu0=3`; `option` and `form` are for messages.
graphrt::Result<void> parse_map(const std::string& option, const std::string& form,
                                const std::vector<std::string>& texts,
                                std::map<std::string, int32_t>& map) {
  for (const std::string& text : texts) {
    const size_t at = text.find('=');
    int32_t number = -1;
    if (at != std::string::npos) {
      const char* end = text.data() + text.size();
      const auto [stop, error] = std::from_chars(text.data() + at + 1, end, number);
      if (error != std::errc() || stop != end) number = -1;
      if (graphrt::has_leading_zero(std::string_view(text).substr(at + 1))) number = -1;
    }
    if (at == 0 || number < 0) {
      return graphrt::usage_error(option + " " + text + ": write " + form);
    }
    if (!map.emplace(text.substr(0, at), number).second) {
      return graphrt::usage_error(option + " names '" + text.substr(0, at) + "' twice");
    }
  }
  return {};
}

graphrt::LaunchMode launch_mode(const std::string& name) {
  if (name == "streams") return graphrt::LaunchMode::kOneByOne;
  return name == "host" ? graphrt::LaunchMode::kHost : graphrt::LaunchMode::kRecorded;
}

graphrt::Result<void> check_combination(const Options& options) {
  if (options.num_repetitions && *options.num_repetitions < 1) {
    return graphrt::usage_error("--bench needs at least one repetition");
  }
  const bool trains =
      options.training.evaluation || options.training.num_epochs || options.training.detects_nan;
  const bool has_results = !files_written(options).empty() || options.is_checked || trains;
  if (options.num_repetitions && (has_results || options.is_simulated)) {
    return graphrt::usage_error(
        "--bench only measures --steps; it cannot be combined with options that write files or "
        "look at results, nor with --epochs or --simulate");
  }
  if (options.is_simulated && has_results) {
    return graphrt::usage_error(
        "--simulate runs nothing; it cannot be combined with options that write files or look at "
        "results, nor with --epochs");
  }
  if (options.num_steps == 0 && !options.training.num_epochs &&
      (options.is_checked || options.num_repetitions || !options.stacked_outputs.empty() ||
       !options.last_outputs.empty())) {
    return graphrt::usage_error("outputs, --check and --bench need at least one step");
  }
  return {};
}

graphrt::Result<Options> finish_options(RawOptions raw) {
  Options options = std::move(raw.options);
  if (raw.is_cast) options.state_types = graphrt::StateTypes::kCast;
  if (raw.is_cast && !options.load_state && !options.training.is_resumed) {
    return graphrt::usage_error("--cast means nothing without --load-state=FILE or --resume");
  }
  TRY(parse_map("--map", "DEVICE=NUMBER, as in gpu0=1", raw.map, options.session.devices.map));
  TRY(parse_map("--rank-map", "HOST=RANK, as in h0=1", raw.rank_map, options.session.rank_map));
  options.session.launch = launch_mode(raw.launch);
  TRY(options.inputs, parse_named_files("--input", raw.inputs));
  TRY(options.stacked_outputs, parse_named_files("--output", raw.stacked_outputs));
  TRY(options.last_outputs, parse_named_files("--output-last", raw.last_outputs));
  TRY(check_combination(options));
  return options;
}

}  // namespace

std::variant<Options, EarlyExit> parse_options(int argc, char** argv) {
  RawOptions raw;
  CLI::App app(kDescription, "graphrun");
  app.footer(kFooter);
  app.set_version_flag("--version", "graphrun " GRAPHC_VERSION);
  app.add_option("PLAN", raw.options.plan, "The plan to run")->required()->type_name("plan.bin");
  app.add_option("--steps", raw.options.num_steps, "How many steps to run")
      ->check(graphrt::why_not_decimal)
      ->check(CLI::Range(int64_t{0}, int64_t{1} << 40))
      ->type_name("N")
      ->capture_default_str();
  declare_data(app, raw);
  declare_modes(app, raw);
  declare_training(app, raw.options.training);
  try {
    app.parse(argc, argv);
    // Not bound to the optional: a flag that CLI11 counts is never without a value.
    if (app.count("--bench") > 0) raw.options.num_repetitions = raw.num_repetitions;
  } catch (const CLI::ParseError& error) {
    return EarlyExit{tools::end_of_parsing(app, error)};
  }
  graphrt::Result<Options> options =
      finish_training(app, raw.options.training).and_then([&] { return finish_options(raw); });
  if (options) return *std::move(options);
  tools::print_error("graphrun", "error: " + options.error().message);
  return EarlyExit{graphrt::exit_code(options.error().kind)};
}

}  // namespace graphrun
