#include "runtime/base/npy.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "runtime/base/file.h"
#include "temporary_folder.h"

namespace graphrt {
namespace {

using testing::HasSubstr;

/// The bytes that np.save writes for this header and these elements.
std::vector<std::byte> npy(const std::string& dictionary, const std::string& data,
                           const std::string& version = std::string("\x01\x00", 2)) {
  const size_t width = version[0] == 1 ? 2 : 4;
  const size_t used = 8 + width + dictionary.size() + 1;
  const std::string header = dictionary + std::string((64 - used % 64) % 64, ' ') + "\n";
  std::string text = "\x93NUMPY" + version;
  for (size_t i = 0; i < width; ++i) text += static_cast<char>(header.size() >> (8 * i) & 0xff);
  text += header + data;
  const auto bytes = bytes_of(text);
  return {bytes.begin(), bytes.end()};
}

std::string dictionary(const std::string& descr, const std::string& shape,
                       const std::string& order = "False") {
  return "{'descr': '" + descr + "', 'fortran_order': " + order + ", 'shape': " + shape + ", }";
}

std::string message_of(const std::vector<std::byte>& bytes) {
  const auto tensor = decode_npy(bytes, "a.npy");
  return tensor ? "no error" : tensor.error().message;
}

// 1.0f is 00 00 80 3f, -2.0f is 00 00 00 c0.
const std::string kOneAndMinusTwo("\x00\x00\x80\x3f\x00\x00\x00\xc0", 8);

TEST(Npy, ReadsWhatNumPyWrites) {
  const auto tensor = decode_npy(npy(dictionary("<f4", "(2,)"), kOneAndMinusTwo), "a.npy");
  ASSERT_TRUE(tensor) << tensor.error().message;
  EXPECT_EQ(*tensor, tensor_of<float>({2}, {1, -2}));
}

TEST(Npy, ReadsIntegersMatricesScalarsAndFormatTwo) {
  const std::string integers("\x01\x00\x00\x00\xff\xff\xff\xff", 8);
  EXPECT_EQ(decode_npy(npy(dictionary("<i4", "(2, 1)"), integers), "a").value(),
            tensor_of<int32_t>({2, 1}, {1, -1}));
  EXPECT_EQ(decode_npy(npy(dictionary("<f4", "()"), kOneAndMinusTwo.substr(4)), "a").value(),
            tensor_of<float>({}, {-2}));
  EXPECT_EQ(
      decode_npy(npy(dictionary("<f4", "(1, 2)"), kOneAndMinusTwo, std::string("\x02\x00", 2)), "a")
          .value(),
      tensor_of<float>({1, 2}, {1, -2}));
}

TEST(Npy, TakesAVectorInFortranOrder) {
  // In one dimension both orders are the same, and NumPy may write either.
  EXPECT_TRUE(decode_npy(npy(dictionary("<f4", "(2,)", "True"), kOneAndMinusTwo), "a"));
}

TEST(Npy, WritesTheBytesThatNumPyWrites) {
  const TemporaryFolder folder;
  ASSERT_TRUE(write_npy(folder / "a.npy", tensor_of<float>({2}, {1, -2})));
  EXPECT_EQ(read_file(folder / "a.npy").value(), npy(dictionary("<f4", "(2,)"), kOneAndMinusTwo));
  EXPECT_EQ(folder.num_files(), 1U);
}

TEST(Npy, ReadsBackWhatItWrote) {
  const TemporaryFolder folder;
  const std::vector<Tensor> tensors = {
      tensor_of<float>({}, {3.5F}), tensor_of<int32_t>({3}, {1, 2, -3}),
      tensor_of<float>({2, 1, 3}, {1, 2, 3, 4, 5, 6}), tensor_of<float>(Shape(30, 1), {7})};
  for (const Tensor& tensor : tensors) {
    ASSERT_TRUE(write_npy(folder / "a.npy", tensor));
    const auto read = read_npy(folder / "a.npy");
    ASSERT_TRUE(read) << read.error().message;
    EXPECT_EQ(*read, tensor);
    EXPECT_EQ(read_npy_type(folder / "a.npy").value(), tensor.type);
  }
}

TEST(Npy, RefusesMoreDimensionsThanATypeCanHave) {
  std::string shape = "(";
  for (size_t i = 0; i <= kMaxRank; ++i) shape += "1,";
  EXPECT_THAT(message_of(npy(dictionary("<f4", shape + ")"), kOneAndMinusTwo.substr(4))),
              HasSubstr("at most 32 dimensions"));
}

TEST(Npy, KeepsArraysOfEveryElementType) {
  const TemporaryFolder folder;
  for (const ElementType element : kElementTypes) {
    Tensor tensor = zeros({element, {3, 2}});
    for (size_t i = 0; i < tensor.data.size(); ++i) tensor.data[i] = static_cast<std::byte>(i % 2);
    ASSERT_TRUE(write_npy(folder / "a.npy", tensor));
    EXPECT_EQ(read_npy(folder / "a.npy").value(), tensor) << to_string(element);
  }
}

// As numpy writes arrays of ml_dtypes.bfloat16, on either side of its version 2.
TEST(Npy, ReadsBytesWithoutAMeaningAsBFloat16) {
  for (const char* descr : {"<V2", "|V2"}) {
    const auto tensor = decode_npy(npy(dictionary(descr, "(4,)"), kOneAndMinusTwo), "a");
    ASSERT_TRUE(tensor) << tensor.error().message;
    EXPECT_EQ(tensor->type, (TensorType{ElementType::kBF16, {4}}));
    EXPECT_EQ(static_cast<float>(tensor->as<BFloat16>()[1]), 1);
    EXPECT_EQ(static_cast<float>(tensor->as<BFloat16>()[3]), -2);
  }
}

TEST(Npy, RefusesOtherElementTypesWithTheCastAsAHint) {
  const std::string known = "float32, int32, bfloat16, float16, int64, int8, uint8, bool";
  EXPECT_EQ(message_of(npy(dictionary("<u8", "(1,)"), kOneAndMinusTwo)),
            "'a.npy' holds uint64, which is none of " + known + "; save it with .astype('int64')");
  EXPECT_EQ(
      message_of(npy(dictionary("<f8", "(1,)"), kOneAndMinusTwo)),
      "'a.npy' holds float64, which is none of " + known + "; save it with .astype('float32')");
  EXPECT_EQ(message_of(npy(dictionary(">f4", "(2,)"), kOneAndMinusTwo)),
            "'a.npy' holds big-endian float32; save it with .astype('<f4')");
  EXPECT_THAT(message_of(npy(dictionary("<U7", "(1,)"), kOneAndMinusTwo)),
              HasSubstr("elements of dtype '<U7'"));
  // A size that no integer holds in bits, and one below 0.
  EXPECT_THAT(message_of(npy(dictionary("<i1778547426", "(1,)"), kOneAndMinusTwo)),
              HasSubstr("elements of dtype '<i1778547426'"));
  EXPECT_THAT(message_of(npy(dictionary("<i-1778547426", "(1,)"), kOneAndMinusTwo)),
              HasSubstr("elements of dtype '<i-1778547426'"));
  EXPECT_THAT(message_of(npy("{'descr': [('x', '<f4')], 'fortran_order': False, 'shape': (2,), }",
                             kOneAndMinusTwo)),
              HasSubstr("an array of plain numbers"));
}

TEST(Npy, RefusesFortranOrderAndEmptyArrays) {
  EXPECT_EQ(message_of(npy(dictionary("<f4", "(1, 2)", "True"), kOneAndMinusTwo)),
            "'a.npy' is in Fortran order; save it with np.ascontiguousarray(...)");
  EXPECT_EQ(message_of(npy(dictionary("<f4", "(0, 64)"), "")),
            "'a.npy' is empty: its shape is [0, 64]");
}

TEST(Npy, SaysWhatIsWrongWithItsSize) {
  EXPECT_EQ(message_of(npy(dictionary("<f4", "(3,)"), kOneAndMinusTwo)),
            "'a.npy' is not a valid .npy file: its header says f32[3], which takes 12 bytes, and 8 "
            "bytes follow");
  EXPECT_THAT(message_of(npy(dictionary("<f4", "(1,)"), kOneAndMinusTwo)),
              HasSubstr("8 bytes follow"));
}

TEST(Npy, DoesNotOverflowOnHugeShapes) {
  const std::string kHuge = "4611686018427387904";  // 2^62
  EXPECT_THAT(message_of(npy(dictionary("<f4", "(" + kHuge + ", " + kHuge + ")"), "")),
              HasSubstr("at most 32 dimensions and 16 TiB"));
  EXPECT_THAT(message_of(npy(dictionary("<f4", "(99999999999999999999,)"), "")),
              HasSubstr("header is not one"));
  // 2^62 elements of 4 bytes: 2^64 bytes, which is 0 in 64 bits.
  EXPECT_THAT(message_of(npy(dictionary("<f4", "(" + kHuge + ",)"), "")),
              HasSubstr("at most 32 dimensions and 16 TiB"));
  EXPECT_THAT(message_of(npy(dictionary("<f4", "(-1,)"), "")), HasSubstr("header is not one"));
}

TEST(Npy, RefusesOtherFilesAndOtherVersions) {
  const auto text = bytes_of("x,y\n1,2\n3,4\n5,6\n");
  EXPECT_EQ(message_of({text.begin(), text.end()}), "'a.npy' is not an .npy file");
  EXPECT_EQ(message_of({}), "'a.npy' is not an .npy file");
  EXPECT_EQ(message_of(npy(dictionary("<f4", "(2,)"), kOneAndMinusTwo, std::string("\x03\x00", 2))),
            "'a.npy' has .npy format 3.0; formats 1.0 and 2.0 are supported");
}

TEST(Npy, RefusesDamagedHeaders) {
  for (const char* header :
       {"", "{", "{}", "(2,)", "{'descr': '<f4'}", "{'descr': '<f4', 'shape': (2,)}",
        "{'descr': '<f4', 'fortran_order': 0, 'shape': (2,)}",
        "{'descr': '<f4', 'fortran_order': False, 'shape': (2}",
        "{'descr': '<f4', 'fortran_order': False, 'shape': (2 2)}",
        "{'descr': '<f4', 'fortran_order': False, 'shape': (2,)} x",
        "{'descr: '<f4', 'fortran_order': False, 'shape': (2,)}",
        "{'descr': '<f4' 'fortran_order': False, 'shape': (2,)}"}) {
    EXPECT_THAT(message_of(npy(header, kOneAndMinusTwo)), HasSubstr("header is not one")) << header;
  }
  EXPECT_THAT(message_of(npy(dictionary("", "(2,)"), kOneAndMinusTwo)), HasSubstr("dtype is ''"));
}

TEST(Npy, RefusesEveryTruncation) {
  const std::vector<std::byte> whole = npy(dictionary("<f4", "(2,)"), kOneAndMinusTwo);
  for (size_t size = 0; size < whole.size(); ++size) {
    const std::vector<std::byte> part(whole.begin(),
                                      whole.begin() + static_cast<std::ptrdiff_t>(size));
    EXPECT_FALSE(decode_npy(part, "a.npy")) << size;
  }
}

TEST(Npy, SurvivesEveryChangedByte) {
  const std::vector<std::byte> whole = npy(dictionary("<f4", "(2,)"), kOneAndMinusTwo);
  for (size_t i = 0; i < whole.size(); ++i) {
    for (const unsigned value : {0U, 0x28U, 0x39U, 0x7fU, 0xffU}) {
      std::vector<std::byte> changed = whole;
      changed[i] = static_cast<std::byte>(value);
      const auto tensor = decode_npy(changed, "a.npy");
      EXPECT_TRUE(!tensor || tensor->data.size() == 8U) << i;
    }
  }
}

TEST(Npy, NamesTheFile) {
  const TemporaryFolder folder;
  ASSERT_TRUE(write_file_atomically(folder / "a.npy", {bytes_of("nonsense")}));
  EXPECT_EQ(read_npy(folder / "a.npy").error().message,
            "'" + (folder / "a.npy").string() + "' is not an .npy file");
  EXPECT_THAT(read_npy_type(folder / "b.npy").error().message, HasSubstr("No such file"));
}

}  // namespace
}  // namespace graphrt
