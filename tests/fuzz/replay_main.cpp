// Runs a fuzz target once over every file named on the command line, and over every file in folders
// named there: what libFuzzer's own main does without -runs, for compilers that have none.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size);

namespace {

namespace fs = std::filesystem;

/// The files, those of folders sorted, so that every run has the same order.
std::vector<fs::path> files_in(const fs::path& path) {
  if (!fs::is_directory(path)) return {path};
  std::vector<fs::path> files;
  for (const fs::directory_entry& entry : fs::directory_iterator(path)) {
    if (entry.is_regular_file()) files.push_back(entry.path());
  }
  std::sort(files.begin(), files.end());
  return files;
}

bool replay(const fs::path& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) {
    std::fprintf(stderr, "cannot read %s\n", path.c_str());
    return false;
  }
  // Named first: should the target end the process, the last line says on what.
  std::fprintf(stderr, "%s\n", path.c_str());
  const std::vector<char> bytes{std::istreambuf_iterator<char>(file), {}};
  // An allocation of just that size, so that AddressSanitizer sees a byte read behind it.
  const std::vector<uint8_t> input(bytes.begin(), bytes.end());
  LLVMFuzzerTestOneInput(input.data(), input.size());
  return true;
}

}  // namespace

int main(int argc, char** argv) {
  size_t num_files = 0;
  for (int i = 1; i < argc; ++i) {
    for (const fs::path& path : files_in(argv[i])) {
      if (!replay(path)) return 1;
      ++num_files;
    }
  }
  if (num_files == 0) {
    std::fprintf(stderr, "usage: %s FILE-OR-FOLDER...: there is no file to replay\n", argv[0]);
    return 2;
  }
  std::fprintf(stderr, "%zu files replayed\n", num_files);
  return 0;
}
