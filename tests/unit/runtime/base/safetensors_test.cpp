#include "runtime/base/safetensors.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "runtime/base/file.h"
#include "temporary_folder.h"

namespace graphrt {
namespace {

using testing::HasSubstr;

std::vector<std::byte> file_of(const std::string& header, const std::string& data) {
  std::string text;
  for (size_t i = 0; i < 8; ++i) text += static_cast<char>(header.size() >> (8 * i) & 0xff);
  text += header + data;
  const auto bytes = bytes_of(text);
  return {bytes.begin(), bytes.end()};
}

std::string safetensors_message(const std::vector<std::byte>& bytes) {
  const auto content = decode_safetensors(bytes, "w.safetensors");
  return content ? "no error" : content.error().message;
}

std::string tensor_message(const std::string& fields) {
  return safetensors_message(file_of("{\"w\":" + fields + "}", std::string(8, '\0')));
}

const std::string kTwoElements = R"("dtype":"F32","shape":[2],"data_offsets":[0,8])";

TEST(Safetensors, ReadsAFileWrittenByHand) {
  // 2.0f is 00 00 00 40; the integer 5 follows.
  const std::string header = R"({"__metadata__":{"made by":"hand"},)"
                             R"("n":{"dtype":"I32","shape":[1,1],"data_offsets":[4,8]},)"
                             R"("f":{"dtype":"F32","shape":[],"data_offsets":[0,4]}}  )";
  const auto content =
      decode_safetensors(file_of(header, std::string("\x00\x00\x00\x40\x05\x00\x00\x00", 8)), "a");
  ASSERT_TRUE(content) << content.error().message;
  EXPECT_EQ(content->tensors.at("f"), tensor_of<float>({}, {2}));
  EXPECT_EQ(content->tensors.at("n"), tensor_of<int32_t>({1, 1}, {5}));
  EXPECT_EQ(content->metadata.at("made by"), "hand");
}

TEST(Safetensors, ReadsBackWhatItWrote) {
  const TemporaryFolder folder;
  Safetensors content;
  content.tensors["w2"] = tensor_of<float>({2, 2}, {1, 2, 3, 4});
  content.tensors["w1"] = tensor_of<int32_t>({3}, {-1, 0, 1});
  content.tensors["b"] = tensor_of<float>({}, {0.5F});
  content.metadata["graph"] = "a \"quoted\" name";
  ASSERT_TRUE(write_safetensors(folder / "a", content));
  const auto read = read_safetensors(folder / "a");
  ASSERT_TRUE(read) << read.error().message;
  EXPECT_EQ(*read, content);
  EXPECT_EQ(folder.num_files(), 1U);
}

TEST(Safetensors, WritesNamesInOrderAndDataAtMultiplesOfEight) {
  const TemporaryFolder folder;
  Safetensors content;
  content.tensors["b"] = tensor_of<float>({1}, {1});
  content.tensors["a"] = tensor_of<float>({1}, {2});
  ASSERT_TRUE(write_safetensors(folder / "a", content));
  const std::vector<std::byte> bytes = read_file(folder / "a").value();
  const std::string header = R"({"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},)"
                             R"("b":{"dtype":"F32","shape":[1],"data_offsets":[4,8]}})";
  const std::string padding((8 - header.size() % 8) % 8, ' ');
  EXPECT_EQ(bytes, file_of(header + padding, std::string("\x00\x00\x00\x40\x00\x00\x80\x3f", 8)));
  EXPECT_EQ((bytes.size() - 8) % 8, 0U);
}

TEST(Safetensors, WritesAndReadsNoTensors) {
  const TemporaryFolder folder;
  ASSERT_TRUE(write_safetensors(folder / "a", {}));
  EXPECT_EQ(read_safetensors(folder / "a").value(), Safetensors());
}

TEST(Safetensors, RefusesNamesThatItCannotWrite) {
  const TemporaryFolder folder;
  Safetensors content;
  content.tensors["__metadata__"] = tensor_of<float>({1}, {1});
  EXPECT_THAT(write_safetensors(folder / "a", content).error().message, HasSubstr("__metadata__"));
  Safetensors not_utf8;
  not_utf8.tensors["\xff"] = tensor_of<float>({1}, {1});
  EXPECT_FALSE(write_safetensors(folder / "a", not_utf8));
  EXPECT_EQ(folder.num_files(), 0U);
}

TEST(Safetensors, RefusesAHeaderLongerThanTheFile) {
  std::vector<std::byte> bytes = file_of("{}", "");
  std::fill(bytes.begin(), bytes.begin() + 8, std::byte{0xff});
  EXPECT_EQ(safetensors_message(bytes),
            "'w.safetensors' is not a valid safetensors file: its header should have "
            "18446744073709551615 bytes, and the file has 10");
  EXPECT_THAT(safetensors_message({}), HasSubstr("shorter than 8 bytes"));
}

TEST(Safetensors, RefusesHeadersThatAreNoObjectOfUniqueNames) {
  for (const std::string header :
       {"", "[]", "1", "{", "{]", "{\"w\":}", "\xff",
        "{\"w\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,4]},"
        "\"w\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[4,8]}}"}) {
    EXPECT_THAT(safetensors_message(file_of(header, std::string(8, '\0'))),
                HasSubstr("JSON object"))
        << header;
  }
  // Deep nesting must not overflow the stack.
  EXPECT_THAT(safetensors_message(file_of(std::string(1 << 20, '['), "")),
              HasSubstr("nests deeper"));
  const std::string deep = std::string(1 << 20, '[') + std::string(1 << 20, ']');
  EXPECT_EQ(tensor_message(R"({"dtype":"F32","shape":)" + deep + "}"),
            "'w.safetensors' is not a valid safetensors file: its header nests deeper than tensors "
            "are described");
}

TEST(Safetensors, RefusesOtherElementTypes) {
  EXPECT_EQ(tensor_message(R"({"dtype":"F64","shape":[1],"data_offsets":[0,8]})"),
            "'w.safetensors': tensor 'w' has dtype F64; what can be read is F32, I32, BF16, F16, "
            "I64, I8, U8, BOOL");
}

TEST(Safetensors, RefusesDescriptionsThatAreIncompleteOrOfTheWrongKind) {
  EXPECT_THAT(tensor_message("3"), HasSubstr("not described by an object"));
  EXPECT_THAT(tensor_message("{}"), HasSubstr("has no dtype"));
  EXPECT_THAT(tensor_message(R"({"dtype":4})"), HasSubstr("has no dtype"));
  EXPECT_THAT(tensor_message(R"({"dtype":"F32"})"), HasSubstr("has no shape"));
  EXPECT_THAT(tensor_message(R"({"dtype":"F32","shape":[2]})"), HasSubstr("no data_offsets"));
  for (const char* shape : {"[-1]", "[0]", "[1.5]", "[\"2\"]", "[18446744073709551615]", "[[2]]"}) {
    EXPECT_THAT(tensor_message(std::string(R"({"dtype":"F32","shape":)") + shape +
                               R"(,"data_offsets":[0,8]})"),
                HasSubstr("has the shape"))
        << shape;
  }
  for (const char* offsets : {"[0]", "[0,8,8]", "[-8,0]", "[0,8.0]", "8", "{}"}) {
    EXPECT_THAT(tensor_message(std::string(R"({"dtype":"F32","shape":[2],"data_offsets":)") +
                               offsets + "}"),
                HasSubstr("no data_offsets"))
        << offsets;
  }
  EXPECT_THAT(safetensors_message(file_of(R"({"__metadata__":[]})", "")),
              HasSubstr("__metadata__"));
  EXPECT_THAT(safetensors_message(file_of(R"({"__metadata__":{"a":1}})", "")),
              HasSubstr("not a text"));
}

TEST(Safetensors, RefusesOffsetsThatDoNotFit) {
  const auto with_offsets = [](const std::string& offsets) {
    return tensor_message(R"({"dtype":"F32","shape":[2],"data_offsets":)" + offsets + "}");
  };
  EXPECT_THAT(with_offsets("[0,4]"), HasSubstr("is f32[2] and has data_offsets [0,4]"));
  EXPECT_THAT(with_offsets("[8,0]"), HasSubstr("has data_offsets [8,0]"));
  EXPECT_THAT(with_offsets("[4,12]"), HasSubstr("ends at byte 12 of 8 bytes"));
  EXPECT_THAT(with_offsets("[18446744073709551608,18446744073709551615]"),
              HasSubstr("data_offsets"));
  EXPECT_THAT(
      tensor_message(R"({"dtype":"F32","shape":[4294967296,4294967296],"data_offsets":[0,8]})"),
      HasSubstr("larger than 16 TiB"));
}

TEST(Safetensors, RefusesHolesAndSharedBytes) {
  const auto tensor = [](const std::string& name, const std::string& offsets) {
    return "\"" + name + R"(":{"dtype":"F32","shape":[1],"data_offsets":)" + offsets + "}";
  };
  EXPECT_THAT(
      safetensors_message(file_of("{" + tensor("a", "[0,4]") + "," + tensor("b", "[0,4]") + "}",
                                  std::string(4, '\0'))),
      HasSubstr("starts at byte 0; the tensor before it ends at 4"));
  EXPECT_THAT(
      safetensors_message(file_of("{" + tensor("a", "[0,4]") + "," + tensor("b", "[8,12]") + "}",
                                  std::string(12, '\0'))),
      HasSubstr("starts at byte 8; the tensor before it ends at 4"));
  EXPECT_THAT(safetensors_message(file_of("{" + tensor("a", "[0,4]") + "}", std::string(6, '\0'))),
              HasSubstr("2 bytes belong to no tensor"));
}

TEST(Safetensors, RefusesEveryTruncationAndSurvivesEveryChangedByte) {
  const std::vector<std::byte> whole =
      file_of("{\"w\":{" + kTwoElements + "}}", std::string(8, '\0'));
  ASSERT_EQ(safetensors_message(whole), "no error");
  for (size_t size = 0; size < whole.size(); ++size) {
    EXPECT_NE(
        safetensors_message({whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(size)}),
        "no error")
        << size;
  }
  for (size_t i = 0; i < whole.size(); ++i) {
    for (const unsigned value : {0U, 0x22U, 0x39U, 0x5bU, 0xffU}) {
      std::vector<std::byte> changed = whole;
      changed[i] = static_cast<std::byte>(value);
      const auto content = decode_safetensors(changed, "w");
      if (content && !content->tensors.empty()) {
        EXPECT_EQ(content->tensors.begin()->second.data.size(), 8U);
      }
    }
  }
}

}  // namespace
}  // namespace graphrt
