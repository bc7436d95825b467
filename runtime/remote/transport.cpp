#include "runtime/remote/transport.h"

#include <algorithm>
#include <charconv>
#include <optional>
#include <utility>

#include "runtime/base/check.h"

namespace graphrt {
namespace {

// A word is its first character and a text: kValue and what the rank gives, or the kind of an error
// and its message.
constexpr char kValue = 'v';
constexpr std::string_view kErrorKinds = "iumx";

char letter_of(ErrorKind kind) { return kErrorKinds[static_cast<size_t>(kind)]; }

std::string word_of(const Result<std::string>& mine) {
  if (mine) return kValue + *mine;
  return letter_of(mine.error().kind) + mine.error().message;
}

/// How long another rank may be silent when this process is about to be ended.
constexpr std::chrono::milliseconds kUrgentSilence{300};

bool is_error(const std::string& word) { return word.empty() || word.front() != kValue; }

Error error_of(const std::string& word) {
  const size_t kind = word.empty() ? std::string_view::npos : kErrorKinds.find(word.front());
  if (kind == std::string_view::npos) return {ErrorKind::kMachine, "an answer cannot be read"};
  return {static_cast<ErrorKind>(kind), word.substr(1)};
}

/// One text of several, and back: the length of each stands before it.
std::string joined_words(const std::vector<std::string>& words) {
  std::string all;
  for (const std::string& word : words) all += std::to_string(word.size()) + ":" + word;
  return all;
}

std::optional<std::vector<std::string>> split_words(std::string_view all) {
  std::vector<std::string> words;
  while (!all.empty()) {
    size_t size = 0;
    const auto [end, error] = std::from_chars(all.data(), all.data() + all.size(), size);
    const auto used = static_cast<size_t>(end - all.data());
    if (error != std::errc() || used >= all.size() || size > all.size() - used - 1) return {};
    words.emplace_back(all.substr(used + 1, size));
    all.remove_prefix(used + 1 + size);
  }
  return words;
}

}  // namespace

/// At rank 0; elsewhere nothing.
Result<std::vector<std::string>> Transport::gather(const std::string& mine) {
  if (!is_first()) {
    TRY(send(0, mine));
    return std::vector<std::string>();
  }
  std::vector<std::string> words = {mine};
  for (int32_t from = 1; from < num_ranks(); ++from) {
    TRY(std::string word, receive(from));
    words.push_back(std::move(word));
  }
  return words;
}

Result<std::vector<std::string>> Transport::exchange(const std::string& mine) {
  if (is_alone()) return std::vector{mine};
  TRY(std::vector<std::string> words, gather(mine));
  if (!is_first()) {
    TRY(const std::string all, receive(0));
    std::optional<std::vector<std::string>> split = split_words(all);
    const auto num_words = static_cast<size_t>(num_ranks());
    if (!split || split->size() != num_words) return machine_error("an answer cannot be read");
    return *std::move(split);
  }
  const std::string all = joined_words(words);
  for (int32_t to = 1; to < num_ranks(); ++to) TRY(send(to, all));
  return words;
}

Result<std::vector<std::string>> Transport::agree(const Result<std::string>& mine) {
  if (is_alone()) {
    if (!mine) return tl::unexpected(mine.error());
    return std::vector{*mine};
  }
  if (has_agreed_on_error_ || is_broken_) return machine_error("the hosts have ended this run");
  Result<std::vector<std::string>> words = exchange(word_of(mine));
  if (!words) {
    is_broken_ = true;
    return words;
  }
  std::optional<size_t> at;
  for (size_t rank = 0; rank < words->size(); ++rank) {
    const std::string& word = (*words)[rank];
    if (!is_error(word)) continue;
    const bool counts = error_of(word).message != kStoppedByPeer;
    if (!at || (counts && error_of((*words)[*at]).message == kStoppedByPeer)) at = rank;
  }
  if (at) {
    Error error = error_of((*words)[*at]);
    error.message = titles_[*at] + ": " + error.message;
    return agreed(std::move(error));
  }
  for (std::string& word : *words) word.erase(0, 1);
  return words;
}

Result<void> Transport::agree(const Result<void>& mine) {
  if (is_alone()) return mine;
  TRY(agree(mine ? Result<std::string>("") : tl::unexpected(mine.error())));
  return {};
}

Result<std::string> Transport::share(int32_t from, Result<std::string> mine) {
  if (is_alone()) return mine;
  TRY(agree(mine ? Result<std::string>("") : tl::unexpected(mine.error())));
  Result<std::string> shared = std::move(mine);
  if (rank() != from) {
    shared = receive(from);
  } else {
    for (int32_t to = 0; to < num_ranks(); ++to) {
      if (to == from) continue;
      const Result<void> sent = send(to, *shared);
      if (!sent) shared = tl::unexpected(sent.error());
      if (!sent) break;
    }
  }
  if (!shared) is_broken_ = true;
  return shared;
}

tl::unexpected<Error> Transport::agreed(Error error) {
  has_agreed_on_error_ = true;
  return tl::unexpected(std::move(error));
}

std::optional<std::chrono::milliseconds> Transport::timeout_now() const {
  if (is_urgent_ && is_urgent_()) return kUrgentSilence;
  if (timeout_.count() <= 0) return std::nullopt;
  return timeout_;
}

Result<void> Transport::arrange(const std::vector<int32_t>& old_ranks,
                                const std::vector<std::string>& names) {
  CHECK(static_cast<int32_t>(old_ranks.size()) == num_ranks(), "a host a rank");
  std::vector<std::string> titles;
  for (size_t k = 0; k < old_ranks.size(); ++k) {
    titles.push_back(names[k] + " (" + titles_[static_cast<size_t>(old_ranks[k])] + ")");
  }
  TRY(reorder(old_ranks));
  titles_ = std::move(titles);
  is_arranged_ = true;
  return {};
}

}  // namespace graphrt
