// What a session has to do with the hosts that run other parts of its plan.

#include <algorithm>
#include <charconv>
#include <cstring>
#include <utility>

#include "runtime/base/file.h"
#include "runtime/base/fingerprint.h"
#include "runtime/session/session_impl.h"

namespace graphrt {
namespace {

/// Rows of a feed that are compared between hosts.
constexpr int64_t kSampledRows = 64;

/// Of what the feed gives, as far as some rows over all of it tell.
uint64_t sampled_checksum(const Feed& feed) {
  const std::vector<std::byte>& bytes = feed.array().data;
  const int64_t num_rows = feed.num_rows();
  const size_t row_bytes = bytes.size() / static_cast<size_t>(std::max<int64_t>(num_rows, 1));
  std::vector<std::byte> sample;
  const int64_t num_sampled = std::min(num_rows, kSampledRows);
  for (int64_t i = 0; i < num_sampled; ++i) {
    const auto row = static_cast<size_t>(i * num_rows / num_sampled);
    const auto begin = bytes.begin() + static_cast<std::ptrdiff_t>(row * row_bytes);
    sample.insert(sample.end(), begin, begin + static_cast<std::ptrdiff_t>(row_bytes));
  }
  return checksum(sample);
}

std::string to_text(std::span<const std::byte> bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

}  // namespace

/// What the owner of a value reads, everywhere.
Result<Tensor> Session::Impl::value_from(HostId owner, const TensorType& type,
                                         const std::function<Result<Tensor>()>& read) const {
  const std::optional<HostId> here = own_host();
  if (!here) return read();
  Result<std::string> mine = std::string();
  if (*here == owner) mine = read().map([](const Tensor& value) { return to_text(value.data); });
  TRY(const std::string shared, transport->share(static_cast<int32_t>(owner.index()), mine));
  Tensor value = zeros(type);
  if (shared.size() != value.data.size()) {
    return machine_error("a value of another size came from " +
                         transport->title(static_cast<int32_t>(owner.index())));
  }
  std::memcpy(value.data.data(), shared.data(), shared.size());
  return value;
}

Result<Tensor> Session::Impl::stack_of(size_t output, StepRange steps) const {
  const OutputSink& sink = *sinks[output];
  TensorType type = sink.type();
  type.shape.insert(type.shape.begin(), steps.count);
  const HostId owner = host_of(plan, plan.outputs[output].value.buffer);
  return value_from(owner, type, [&]() -> Result<Tensor> { return sink.stacked(steps); });
}

/// Absent where no host here has it.
Result<std::optional<Tensor>> Session::Impl::state_here(const PlanState& state) const {
  const auto buffer = std::find_if(state.buffers.begin(), state.buffers.end(),
                                   [&](BufferId each) { return memory.has(each); });
  if (buffer == state.buffers.end()) return std::nullopt;
  Tensor value = zeros(state.type);
  TRY(memory.read(*buffer, next_step - 1, value.data));
  return std::optional(std::move(value));
}

Result<MessageChoice> Session::Impl::bind_messages() const {
  MessageChoice choice;
  choice.host = own_host();
  PlanMessages messages = messages_of(plan, memory);
  if (messages.num_pairs == 0) return choice;
  TRY(choice.messages, transport->bind(messages.ends, messages.num_pairs));
  choice.ends = std::move(messages.instructions);
  for (const HostId host : plan.hosts.ids()) {
    choice.titles.push_back(transport->is_alone()
                                ? plan.hosts[host]
                                : transport->title(static_cast<int32_t>(host.index())));
  }
  return choice;
}

/// What this host would run, with what: the same on all, or they do not run.
Result<std::string> Session::Impl::word_before_run(int64_t num_steps) {
  TRY(load_feeds());
  TRY(reserve_outputs(num_steps));
  if (transport->is_alone()) return std::string();
  if (feeds_word.empty()) {
    for (const InputId id : plan.inputs.ids()) {
      feeds_word += " " + to_string(feeds[id]->array().type) + " " +
                    std::to_string(sampled_checksum(*feeds[id]));
    }
  }
  return std::to_string(next_step.load()) + "+" + std::to_string(num_steps) + feeds_word;
}

/// Asks everybody; says at which step the run stood where somebody does not answer.
Result<std::vector<std::string>> Session::Impl::agree_at_step(
    const Result<std::string>& mine) const {
  Result<std::vector<std::string>> words = transport->agree(mine);
  if (words || !transport->is_broken()) return words;
  Error error = std::move(words).error();
  error.message += ", before step " + std::to_string(next_step.load());
  return tl::unexpected(std::move(error));
}

Result<void> Session::Impl::agree_to_run(int64_t num_steps) {
  TRY(const std::vector<std::string> words, agree_at_step(word_before_run(num_steps)));
  for (size_t rank = 1; rank < words.size(); ++rank) {
    if (words[rank] == words[0]) continue;
    const bool are_steps_equal =
        words[rank].substr(0, words[rank].find(' ')) == words[0].substr(0, words[0].find(' '));
    return transport->agreed(
        {ErrorKind::kInput, "host " + transport->title(static_cast<int32_t>(rank)) +
                                (are_steps_equal ? " has other arrays in its feeds than host "
                                                 : " is to run other steps than host ") +
                                transport->title(0)});
  }
  return {};
}

Result<std::vector<int64_t>> Session::Impl::tell_all(int64_t mine) const {
  if (transport->is_alone()) return std::vector{mine};
  TRY(const std::vector<std::string> words,
      agree_at_step(Result<std::string>(std::to_string(mine))));
  std::vector<int64_t> numbers;
  for (const std::string& word : words) {
    int64_t number = 0;
    std::from_chars(word.data(), word.data() + word.size(), number);
    numbers.push_back(number);
  }
  return numbers;
}

Result<bool> Session::Impl::is_there(const std::filesystem::path& path) const {
  if (!transport->is_first()) return transport->share(0, "").map([](auto&& s) { return s == "1"; });
  const auto as_text = [](bool is) { return std::string(is ? "1" : "0"); };
  return transport->share(0, file_exists(path).map(as_text)).map([](auto&& s) { return s == "1"; });
}

Result<Safetensors> Session::Impl::read_tensors(const std::filesystem::path& path) const {
  if (transport->is_alone()) return read_safetensors(path);
  Result<std::string> mine = std::string();
  if (transport->is_first()) {
    mine = map_file(path).map(
        [](const SharedBytes& bytes) { return to_text({bytes.data(), bytes.size()}); });
  }
  TRY(const std::string shared, transport->share(0, std::move(mine)));
  return decode_safetensors(bytes_of(shared), path.string());
}

}  // namespace graphrt
