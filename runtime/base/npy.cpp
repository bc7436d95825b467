#include "runtime/base/npy.h"

#include <algorithm>
#include <bit>
#include <charconv>
#include <cstring>
#include <optional>
#include <string_view>

#include "runtime/base/exceptions.h"
#include "runtime/base/file.h"
#include "runtime/base/text.h"

namespace graphrt {
namespace {

static_assert(std::endian::native == std::endian::little);

constexpr std::string_view kMagic = "\x93NUMPY";
constexpr size_t kPrologueBytes = 12;  // magic, version, length of the header; 10 in format 1.0
constexpr size_t kMaxHeaderBytes = size_t{1} << 20;
constexpr size_t kAlignment = 64;

/// What stands in front of the elements.
struct Header {
  TensorType type;
  size_t data_offset = 0;
};

tl::unexpected<Error> npy_error(const std::string& name, const std::string& reason) {
  return input_error("'" + name + "' " + reason);
}

tl::unexpected<Error> damaged_npy(const std::string& name, const std::string& reason) {
  return npy_error(name, "is not a valid .npy file: " + reason);
}

/// Reads the Python dictionary of a header, which NumPy writes with exactly three entries.
class DictionaryReader {
 public:
  explicit DictionaryReader(std::string_view text) : rest_(text) {}

  bool take(char wanted) {
    skip_blanks();
    if (rest_.empty() || rest_.front() != wanted) return false;
    rest_.remove_prefix(1);
    return true;
  }

  std::optional<std::string> take_string() {
    for (const char quote : {'\'', '"'}) {
      if (!take(quote)) continue;
      const size_t end = rest_.find(quote);
      if (end == std::string_view::npos) return std::nullopt;
      std::string text(rest_.substr(0, end));
      rest_.remove_prefix(end + 1);
      return text;
    }
    return std::nullopt;
  }

  std::optional<bool> take_bool() {
    skip_blanks();
    for (const bool value : {false, true}) {
      const std::string_view word = value ? "True" : "False";
      if (!rest_.starts_with(word)) continue;
      rest_.remove_prefix(word.size());
      return value;
    }
    return std::nullopt;
  }

  /// `()`, `(3,)`, `(3, 4)`.
  std::optional<Shape> take_shape() {
    if (!take('(')) return std::nullopt;
    Shape shape;
    while (!take(')')) {
      skip_blanks();
      int64_t size = 0;
      const auto [end, code] = std::from_chars(rest_.data(), rest_.data() + rest_.size(), size);
      if (code != std::errc() || size < 0) return std::nullopt;
      rest_.remove_prefix(static_cast<size_t>(end - rest_.data()));
      shape.push_back(size);
      if (take(',')) continue;
      if (take(')')) break;
      return std::nullopt;
    }
    return shape;
  }

  bool is_at_end() {
    skip_blanks();
    return rest_.empty();
  }

 private:
  void skip_blanks() {
    const size_t count = rest_.find_first_not_of(" \n\t");
    rest_.remove_prefix(count == std::string_view::npos ? rest_.size() : count);
  }

  std::string_view rest_;
};

struct Dictionary {
  std::optional<std::string> descr;
  std::optional<bool> fortran_order;
  std::optional<Shape> shape;
};

std::optional<Dictionary> parse_dictionary(std::string_view text) {
  DictionaryReader reader(text);
  Dictionary entries;
  if (!reader.take('{')) return std::nullopt;
  while (!reader.take('}')) {
    const std::optional<std::string> key = reader.take_string();
    if (!key || !reader.take(':')) return std::nullopt;
    if (*key == "descr") entries.descr = reader.take_string();
    if (*key == "fortran_order") entries.fortran_order = reader.take_bool();
    if (*key == "shape") entries.shape = reader.take_shape();
    if (reader.take(',')) continue;
    if (reader.take('}')) break;
    return std::nullopt;
  }
  if (!reader.is_at_end() || !entries.descr) return std::nullopt;
  return entries;
}

/// NumPy's name of an element type: `<i8` is int64.
std::string numpy_name(const std::string& descr) {
  const std::string_view code = std::string_view(descr).substr(1);
  if (code == "b1") return "bool";
  int size = 0;
  const auto [end, error] = std::from_chars(code.data() + 1, code.data() + code.size(), size);
  const bool is_sized = error == std::errc() && end == code.data() + code.size();
  if (!is_sized || size < 1 || size > 16) return "elements of dtype '" + descr + "'";
  const std::string bits = std::to_string(8 * size);
  if (code[0] == 'f') return "float" + bits;
  if (code[0] == 'i') return "int" + bits;
  if (code[0] == 'u') return "uint" + bits;
  return "elements of dtype '" + descr + "'";
}

Result<ElementType> element_of(const std::string& descr, const std::string& name) {
  for (const ElementType element : kElementTypes) {
    const std::string_view known = properties_of(element).npy;
    if (descr == known) return element;
    // Two bytes without a meaning have no order.
    if (element == ElementType::kBF16 && descr == "|" + std::string(known.substr(1))) {
      return element;
    }
    if (size_bytes(element) == 1 || descr != ">" + std::string(known.substr(1))) continue;
    return npy_error(name, "holds big-endian " + numpy_name(descr) + "; save it with .astype('" +
                               std::string(known) + "')");
  }
  if (descr.size() < 3) return damaged_npy(name, "its dtype is '" + descr + "'");
  std::vector<std::string> names;
  for (const ElementType element : kElementTypes) names.emplace_back(properties_of(element).numpy);
  const bool is_whole = descr[1] == 'i' || descr[1] == 'u';
  return npy_error(name, "holds " + numpy_name(descr) + ", which is none of " + join(names, ", ") +
                             "; save it with .astype('" + (is_whole ? "int64" : "float32") + "')");
}

uint32_t little_endian(std::span<const std::byte> bytes) {
  uint32_t value = 0;
  for (size_t i = bytes.size(); i-- > 0;) value = value << 8 | std::to_integer<uint32_t>(bytes[i]);
  return value;
}

/// Where the dictionary lies: right after the prologue.
struct DictionaryRange {
  size_t offset = 0;
  size_t size = 0;
};

/// `start` is at least the prologue of a file that has one.
Result<DictionaryRange> locate_dictionary(std::span<const std::byte> start,
                                          const std::string& name) {
  if (start.size() < kMagic.size() ||
      std::memcmp(start.data(), kMagic.data(), kMagic.size()) != 0) {
    return npy_error(name, "is not an .npy file");
  }
  if (start.size() < kPrologueBytes) return damaged_npy(name, "it ends within its header");
  const int major = std::to_integer<int>(start[6]);
  const int minor = std::to_integer<int>(start[7]);
  if ((major != 1 && major != 2) || minor != 0) {
    return npy_error(name, "has .npy format " + std::to_string(major) + "." +
                               std::to_string(minor) + "; formats 1.0 and 2.0 are supported");
  }
  const size_t width = major == 1 ? 2 : 4;
  const DictionaryRange range{8 + width, little_endian(start.subspan(8, width))};
  if (range.size > kMaxHeaderBytes) return damaged_npy(name, "its header is longer than 1 MiB");
  return range;
}

/// `start` is the whole file or its first bytes, enough for its header.
Result<Header> parse_header(std::span<const std::byte> start, uint64_t file_bytes,
                            const std::string& name) {
  TRY(const DictionaryRange range, locate_dictionary(start, name));
  if (range.size > start.size() - range.offset)
    return damaged_npy(name, "it ends within its header");
  const std::string_view text(reinterpret_cast<const char*>(start.data()) + range.offset,
                              range.size);
  const std::optional<Dictionary> entries = parse_dictionary(text);
  if (!entries || !entries->fortran_order || !entries->shape) {
    return damaged_npy(name, "its header is not one that describes an array of plain numbers");
  }
  TRY(const ElementType element, element_of(*entries->descr, name));
  Header header{{element, *entries->shape}, range.offset + range.size};
  if (*entries->fortran_order && header.type.rank() > 1) {
    return npy_error(name, "is in Fortran order; save it with np.ascontiguousarray(...)");
  }
  if (std::count(header.type.shape.begin(), header.type.shape.end(), 0) > 0) {
    return npy_error(name, "is empty: its shape is " + to_string(header.type.shape));
  }
  if (!is_valid(header.type))
    return damaged_npy(
        name, "it claims a shape beyond what is allowed: at most 32 dimensions and 16 TiB");
  const uint64_t found = file_bytes - header.data_offset;
  const auto wanted = static_cast<uint64_t>(header.type.size_bytes());
  if (found != wanted) {
    return damaged_npy(name, "its header says " + to_string(header.type) + ", which takes " +
                                 std::to_string(wanted) + " bytes, and " + std::to_string(found) +
                                 " bytes follow");
  }
  return header;
}

std::string shape_tuple(const Shape& shape) {
  std::string text = "(";
  for (size_t i = 0; i < shape.size(); ++i) {
    text += (i == 0 ? "" : " ") + std::to_string(shape[i]);
    if (shape.size() == 1 || i + 1 < shape.size()) text += ",";
  }
  return text + ")";
}

std::string header_text(const TensorType& type) {
  const std::string descr(properties_of(type.element).npy);
  std::string dictionary = "{'descr': '" + descr +
                           "', 'fortran_order': False, 'shape': " + shape_tuple(type.shape) + ", }";
  constexpr size_t kLengthBytes = 2;  // of format 1.0; kMaxRank keeps headers far below 64 KiB
  const size_t used = kMagic.size() + 2 + kLengthBytes + dictionary.size() + 1;
  dictionary.append((kAlignment - used % kAlignment) % kAlignment, ' ');
  dictionary += '\n';
  std::string text(kMagic);
  text += '\x01';
  text += '\x00';
  for (size_t i = 0; i < kLengthBytes; ++i) {
    text += static_cast<char>(dictionary.size() >> (8 * i) & 0xff);
  }
  return text + dictionary;
}

}  // namespace

Result<Tensor> read_npy(const std::filesystem::path& path) {
  return without_exceptions([&]() -> Result<Tensor> {
    TRY(read_npy_type(path));
    TRY(std::vector<std::byte> bytes, read_file(path));
    TRY(Header header, parse_header(bytes, bytes.size(), path.string()));
    bytes.erase(bytes.begin(), bytes.begin() + static_cast<std::ptrdiff_t>(header.data_offset));
    return Tensor{std::move(header.type), std::move(bytes)};
  });
}

Result<MappedArray> map_npy(const std::filesystem::path& path) {
  return without_exceptions([&]() -> Result<MappedArray> {
    TRY(const SharedBytes bytes, map_file(path));
    TRY(Header header, parse_header({bytes.data(), bytes.size()}, bytes.size(), path.string()));
    return MappedArray{std::move(header.type), bytes.from(header.data_offset)};
  });
}

Result<TensorType> read_npy_type(const std::filesystem::path& path) {
  return without_exceptions([&]() -> Result<TensorType> {
    TRY(const uint64_t file_bytes, file_size_bytes(path));
    TRY(const std::vector<std::byte> prologue, read_file_start(path, kPrologueBytes));
    TRY(const DictionaryRange range, locate_dictionary(prologue, path.string()));
    TRY(const std::vector<std::byte> start, read_file_start(path, range.offset + range.size));
    TRY(Header header, parse_header(start, file_bytes, path.string()));
    return std::move(header.type);
  });
}

Result<Tensor> decode_npy(std::span<const std::byte> bytes, const std::string& name) {
  return without_exceptions([&]() -> Result<Tensor> {
    TRY(Header header, parse_header(bytes, bytes.size(), name));
    const std::span<const std::byte> data = bytes.subspan(header.data_offset);
    return Tensor{std::move(header.type), {data.begin(), data.end()}};
  });
}

Result<void> write_npy(const std::filesystem::path& path, const Tensor& tensor) {
  return without_exceptions([&]() -> Result<void> {
    if (const auto whole = check_tensor(tensor); !whole) {
      return input_error("cannot write '" + path.string() + "': " + whole.error().message);
    }
    return write_file_atomically(path, {bytes_of(header_text(tensor.type)), tensor.data});
  });
}

}  // namespace graphrt
