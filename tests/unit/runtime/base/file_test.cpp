#include "runtime/base/file.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

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

}  // namespace
}  // namespace graphrt
