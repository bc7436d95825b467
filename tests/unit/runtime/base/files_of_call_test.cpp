#include "runtime/base/files_of_call.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <fstream>
#include <vector>

#include "temporary_folder.h"

namespace graphrt {
namespace {

using testing::HasSubstr;

class FilesOfCall : public testing::Test {
 protected:
  FilesOfCall() {
    for (const std::string name : {"graph", "feed"}) std::ofstream(folder_ / name) << name;
    std::filesystem::create_directory(folder_ / "sub");
    std::filesystem::create_directory_symlink(folder_.path(), folder_ / "again");
  }

  /// Why a call that reads `graph` may not write these; empty if it may.
  std::string refusal(const std::vector<std::filesystem::path>& outputs) const {
    const std::vector<FileOfCall> inputs = {{"the graph", folder_ / "graph"}};
    std::vector<FileOfCall> written;
    for (const auto& path : outputs) {
      written.push_back({"--out" + std::to_string(written.size()), path});
    }
    const Result<void> checked = check_files(inputs, written);
    if (checked) return "";
    kind_ = checked.error().kind;
    return checked.error().message;
  }

  TemporaryFolder folder_;
  mutable ErrorKind kind_ = ErrorKind::kInput;
};

TEST_F(FilesOfCall, OutputsThatReplaceNothingOfTheCallAreFine) {
  EXPECT_EQ(refusal({}), "");
  EXPECT_EQ(refusal({folder_ / "new", folder_ / "feed", folder_ / "sub" / "new"}), "");
  EXPECT_EQ(refusal({"new_in_the_current_folder"}), "");
}

// A file has as many names as one likes.
TEST_F(FilesOfCall, AnInputByAnyNameIsRefused) {
  std::filesystem::create_symlink("graph", folder_ / "link");
  std::filesystem::create_symlink("link", folder_ / "link_to_link");
  std::filesystem::create_hard_link(folder_ / "graph", folder_ / "hard");
  for (const std::string name : {"graph", "./graph", "sub/../graph", "again/graph", "link",
                                 "link_to_link", "hard", "again/again/hard"}) {
    EXPECT_THAT(refusal({folder_ / name}), HasSubstr("is the graph, which this call reads"))
        << name;
    EXPECT_EQ(kind_, ErrorKind::kUsage);
  }
}

TEST_F(FilesOfCall, TwoOutputsThatAreOneFileAreRefused) {
  std::filesystem::create_symlink("new", folder_ / "link");  // to nothing yet
  for (const std::string name : {"new", "sub/../new", "again/new", "link", "again/link"}) {
    EXPECT_THAT(refusal({folder_ / "new", folder_ / name}),
                HasSubstr("--out0 and --out1 would both write"))
        << name;
  }
  EXPECT_EQ(refusal({folder_ / "new", folder_ / "sub" / "new"}), "");
}

TEST_F(FilesOfCall, StreamsReplaceNothing) {
  ASSERT_EQ(::mkfifo((folder_ / "pipe").c_str(), 0600), 0);
  EXPECT_EQ(refusal({"/dev/null", "/dev/null", folder_ / "pipe"}), "");
  EXPECT_EQ(refusal({"/dev/stdout", "/dev/fd/1"}), "");
}

TEST_F(FilesOfCall, WhatCannotBeWrittenIsToldBeforehand) {
  EXPECT_THAT(refusal({folder_ / "sub"}), HasSubstr("it is a folder"));
  EXPECT_EQ(kind_, ErrorKind::kMachine);
  EXPECT_THAT(refusal({folder_ / "no" / "file"}), HasSubstr("No such file or directory"));
  EXPECT_THAT(refusal({folder_ / "graph" / "file"}), HasSubstr("Not a directory"));
  EXPECT_THAT(refusal({folder_ / "new" / ""}), HasSubstr("folder"));
  EXPECT_THAT(refusal({""}), HasSubstr("the path is empty"));
  EXPECT_THAT(refusal({folder_ / std::string(300, 'n')}), HasSubstr("File name too long"));
  EXPECT_EQ(folder_.num_files(), 4U);
}

TEST_F(FilesOfCall, OneFileIsKnownByAllItsNames) {
  EXPECT_TRUE(is_same_file(folder_ / "graph", folder_ / "again" / "graph"));
  EXPECT_TRUE(is_same_file(folder_ / "new", folder_ / "again" / "new"));
  EXPECT_FALSE(is_same_file(folder_ / "graph", folder_ / "feed"));
  EXPECT_FALSE(is_same_file("/dev/null", "/dev/null"));
}

}  // namespace
}  // namespace graphrt
