#include "runtime/base/file.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/file.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include <fstream>

#include "runtime/base/new_file.h"
#include "temporary_folder.h"

namespace graphrt {
namespace {

using testing::HasSubstr;

std::string text_of(const std::vector<std::byte>& bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

TEST(File, ReadsBackThePartsOneAfterTheOther) {
  const TemporaryFolder folder;
  ASSERT_TRUE(
      write_file_atomically(folder / "a", {bytes_of("one "), bytes_of(""), bytes_of("two")}));
  const auto bytes = read_file(folder / "a");
  ASSERT_TRUE(bytes) << bytes.error().message;
  EXPECT_EQ(text_of(*bytes), "one two");
  EXPECT_EQ(file_size_bytes(folder / "a").value(), 7U);
  EXPECT_EQ(text_of(read_file_start(folder / "a", 3).value()), "one");
  EXPECT_EQ(text_of(read_file_start(folder / "a", 100).value()), "one two");
}

TEST(File, ReplacesAnOldFileAndLeavesNothingBeside) {
  const TemporaryFolder folder;
  ASSERT_TRUE(write_file_atomically(folder / "a", {bytes_of("a long old content")}));
  ASSERT_TRUE(write_file_atomically(folder / "a", {bytes_of("new")}));
  EXPECT_EQ(text_of(read_file(folder / "a").value()), "new");
  EXPECT_EQ(folder.num_files(), 1U);
}

TEST(File, WritesBehindASymbolicLink) {
  const TemporaryFolder folder;
  ASSERT_TRUE(write_file_atomically(folder / "target", {bytes_of("old")}));
  std::filesystem::create_symlink("target", folder / "link");
  ASSERT_TRUE(write_file_atomically(folder / "link", {bytes_of("new")}));
  EXPECT_TRUE(std::filesystem::is_symlink(folder / "link"));
  EXPECT_EQ(text_of(read_file(folder / "target").value()), "new");
}

TEST(File, SaysWhichFileCouldNotBeReadAndWhy) {
  const TemporaryFolder folder;
  const auto missing = read_file(folder / "missing");
  ASSERT_FALSE(missing);
  EXPECT_EQ(missing.error().kind, ErrorKind::kInput);
  EXPECT_EQ(missing.error().message,
            "cannot read '" + (folder / "missing").string() + "': No such file or directory");
  EXPECT_THAT(read_file(folder.path()).error().message, HasSubstr("it is a folder"));
  EXPECT_THAT(read_file("/dev/null").error().message, HasSubstr("not a regular file"));
}

TEST(File, LeavesNothingWhereItCannotWrite) {
  const TemporaryFolder folder;
  const auto nowhere = write_file_atomically(folder / "no/such/file", {bytes_of("x")});
  ASSERT_FALSE(nowhere);
  EXPECT_EQ(nowhere.error().kind, ErrorKind::kMachine);
  EXPECT_THAT(nowhere.error().message, HasSubstr("No such file or directory"));
  EXPECT_THAT(write_file_atomically(folder.path(), {bytes_of("x")}).error().message,
              HasSubstr("it is a folder"));
  EXPECT_EQ(folder.num_files(), 0U);
}

TEST(File, WritesIntoDevicesInsteadOfReplacingThem) {
  const auto full = write_file_atomically("/dev/full", {bytes_of("x")});
  ASSERT_FALSE(full);
  EXPECT_THAT(full.error().message, HasSubstr("No space left on device"));
  EXPECT_TRUE(write_file_atomically("/dev/null", {bytes_of("x")}));
  EXPECT_TRUE(std::filesystem::is_character_file("/dev/null"));
}

TEST(File, WritesBehindALinkToNothingYet) {
  const TemporaryFolder folder;
  std::filesystem::create_symlink("target", folder / "link");
  ASSERT_TRUE(write_file_atomically(folder / "link", {bytes_of("new")}));
  EXPECT_TRUE(std::filesystem::is_symlink(folder / "link"));
  EXPECT_EQ(text_of(read_file(folder / "target").value()), "new");
  std::filesystem::create_symlink("circle", folder / "circle");
  EXPECT_THAT(write_file_atomically(folder / "circle", {bytes_of("x")}).error().message,
              HasSubstr("Too many levels of symbolic links"));
}

TEST(File, KeepsTheModeOfAFileThatItReplaces) {
  const TemporaryFolder folder;
  ASSERT_TRUE(write_file_atomically(folder / "a", {bytes_of("old")}));
  for (const mode_t mode : {0600U, 0640U, 0755U}) {
    ASSERT_EQ(::chmod((folder / "a").c_str(), mode), 0);
    ASSERT_TRUE(write_file_atomically(folder / "a", {bytes_of("new")}));
    struct stat status{};
    ASSERT_EQ(::stat((folder / "a").c_str(), &status), 0);
    EXPECT_EQ(status.st_mode & 07777, mode);
  }
}

TEST(File, KeepsTheNamesOfAFileTogether) {
  const TemporaryFolder folder;
  ASSERT_TRUE(write_file_atomically(folder / "a", {bytes_of("old content")}));
  std::filesystem::create_hard_link(folder / "a", folder / "b");
  for (const std::string text : {"new", "longer than anything before"}) {
    ASSERT_TRUE(write_file_atomically(folder / "a", {bytes_of(text)}));
    EXPECT_EQ(text_of(read_file(folder / "a").value()), text);
    EXPECT_EQ(text_of(read_file(folder / "b").value()), text);
  }
  EXPECT_EQ(std::filesystem::hard_link_count(folder / "a"), 2U);
}

/// The sizes of files have a limit while this lives.
class SizeLimit {
 public:
  explicit SizeLimit(rlim_t num_bytes) {
    ::getrlimit(RLIMIT_FSIZE, &before_);
    const rlimit limit{num_bytes, before_.rlim_max};
    ::setrlimit(RLIMIT_FSIZE, &limit);
  }
  SizeLimit(const SizeLimit&) = delete;
  SizeLimit& operator=(const SizeLimit&) = delete;
  ~SizeLimit() { ::setrlimit(RLIMIT_FSIZE, &before_); }

 private:
  rlimit before_{};
};

// Also for a process that has made no arrangements about SIGXFSZ, which would end it.
TEST(File, TakesALimitOfSizesForAnError) {
  const TemporaryFolder folder;
  ASSERT_TRUE(write_file_atomically(folder / "a", {bytes_of("old")}));
  ASSERT_TRUE(write_file_atomically(folder / "b", {bytes_of("old")}));
  std::filesystem::create_hard_link(folder / "b", folder / "c");
  const std::string large(10'000, 'x');
  for (const std::string name : {"a", "b", "new"}) {
    const auto written = [&] {
      const SizeLimit limit(4096);
      return write_file_atomically(folder / name, {bytes_of(large)});
    }();
    ASSERT_FALSE(written);
    EXPECT_EQ(written.error().kind, ErrorKind::kMachine);
    EXPECT_THAT(written.error().message, HasSubstr("File too large"));
  }
  EXPECT_EQ(text_of(read_file(folder / "a").value()), "old");
  EXPECT_EQ(text_of(read_file(folder / "c").value()), "old");
  EXPECT_EQ(folder.num_files(), 3U);
}

TEST(File, RemovesWhatEndedProcessesLeft) {
  const TemporaryFolder folder;
  for (int i = 0; i < 100; ++i) {
    std::ofstream(folder / ("a.tmp" + std::to_string(::getpid()) + "-" + std::to_string(i))) << "x";
  }
  // Of another target, or no name that a new file would have.
  for (const std::string name : {"ab.tmp1-1", "a.tmp", "a.tmp1-", "a.tmp1-1x", "a.tmpx-1"}) {
    std::ofstream(folder / name) << "x";
  }
  ASSERT_TRUE(write_file_atomically(folder / "a", {bytes_of("new")}));
  EXPECT_EQ(text_of(read_file(folder / "a").value()), "new");
  EXPECT_EQ(folder.num_files(), 6U);
}

TEST(File, LeavesWhatAnotherProcessStillWrites) {
  const TemporaryFolder folder;
  std::ofstream(folder / "a.tmp1-1") << "x";
  const FileDescriptor lock(::open((folder / "a.tmp1-1").c_str(), O_RDONLY | O_CLOEXEC));
  ASSERT_EQ(::flock(lock.get(), LOCK_EX | LOCK_NB), 0);
  ASSERT_TRUE(write_file_atomically(folder / "a", {bytes_of("new")}));
  EXPECT_TRUE(std::filesystem::exists(folder / "a.tmp1-1"));
}

TEST(File, ReplacesItsTargetWithAndWithoutANameBefore) {
  const TemporaryFolder folder;
  for (const auto naming : {NewFile::Naming::kAtTheEnd, NewFile::Naming::kAtOnce}) {
    NewFile file(folder / "a", naming);
    if (file.lacks_name()) continue;  // this file system cannot
    ASSERT_GE(file.descriptor(), 0);
    remove_stale_files(folder / "a");  // it is not stale
    ASSERT_EQ(write_bytes(file.descriptor(), bytes_of("new")), 3U);
    ASSERT_TRUE(file.replace_target());
    EXPECT_EQ(text_of(read_file(folder / "a").value()), "new");
    EXPECT_EQ(folder.num_files(), 1U);
    std::filesystem::remove(folder / "a");
    {
      const NewFile given_up(folder / "a", naming);
    }
    EXPECT_EQ(folder.num_files(), 0U);
  }
}

TEST(File, TakesTheLongestNameThatThereIs) {
  const TemporaryFolder folder;
  const std::string name(255, 'n');
  ASSERT_TRUE(write_file_atomically(folder / name, {bytes_of("x")}));
  ASSERT_TRUE(write_file_atomically(folder / name, {bytes_of("new")}));
  EXPECT_EQ(text_of(read_file(folder / name).value()), "new");
  EXPECT_EQ(folder.num_files(), 1U);
}

}  // namespace
}  // namespace graphrt
