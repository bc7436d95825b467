#include "runtime/base/safetensors.h"

#include <algorithm>
#include <bit>
#include <cstring>
#include <nlohmann/json.hpp>
#include <set>
#include <string_view>

#include "runtime/base/exceptions.h"
#include "runtime/base/file.h"
#include "runtime/base/text.h"

namespace graphrt {
namespace {

using nlohmann::json;
using nlohmann::ordered_json;

static_assert(std::endian::native == std::endian::little);

constexpr size_t kLengthBytes = 8;
/// Of the parts of a header: { tensor: { shape: [ size ] } }, and one more for a message.
constexpr int kMaxDepth = 4;
constexpr std::string_view kMetadata = "__metadata__";

tl::unexpected<Error> damaged_safetensors(const std::string& name, const std::string& reason) {
  return input_error("'" + name + "' is not a valid safetensors file: " + reason);
}

tl::unexpected<Error> bad_tensor(const std::string& name, const std::string& tensor,
                                 const std::string& reason) {
  return damaged_safetensors(name, "tensor '" + tensor + "' " + reason);
}

/// Where one tensor lies in the data that follows the header.
struct Entry {
  std::string tensor;
  TensorType type;
  uint64_t begin = 0;
  uint64_t end = 0;
};

/// The header's JSON. What is deeper than any description of a tensor is left out while it is read,
/// since the parser alone does not recurse: copying, printing and comparing do.
Result<json> parse_header(std::string_view text, const std::string& name) {
  std::set<std::string> names;
  bool is_ambiguous = false;
  bool is_too_deep = false;
  const auto note = [&](int depth, json::parse_event_t event, json& parsed) {
    if (event == json::parse_event_t::key && depth == 1) {
      is_ambiguous = is_ambiguous || !names.insert(parsed.get<std::string>()).second;
    }
    is_too_deep = is_too_deep || depth > kMaxDepth;
    return depth <= kMaxDepth;
  };
  json header = json::parse(text, note, false);
  if (is_too_deep)
    return damaged_safetensors(name, "its header nests deeper than tensors are described");
  if (!header.is_object() || is_ambiguous) {
    return damaged_safetensors(name, "its header is not a JSON object of unique names");
  }
  return header;
}

Result<ElementType> element_of(const std::string& name, const std::string& tensor,
                               const json& fields) {
  const auto dtype = fields.find("dtype");
  if (dtype == fields.end() || !dtype->is_string()) {
    return bad_tensor(name, tensor, "has no dtype");
  }
  const auto text = dtype->get<std::string>();
  for (const ElementType element : kElementTypes) {
    if (text == properties_of(element).safetensors) return element;
  }
  std::vector<std::string> names;
  for (const ElementType element : kElementTypes) {
    names.emplace_back(properties_of(element).safetensors);
  }
  return input_error("'" + name + "': tensor '" + tensor + "' has dtype " + text +
                     "; what can be read is " + join(names, ", "));
}

Result<Shape> shape_of(const std::string& name, const std::string& tensor, const json& fields) {
  const auto sizes = fields.find("shape");
  if (sizes == fields.end() || !sizes->is_array()) return bad_tensor(name, tensor, "has no shape");
  Shape shape;
  for (const json& size : *sizes) {
    if (!size.is_number_unsigned() || size.get<uint64_t>() == 0 ||
        size.get<uint64_t>() > static_cast<uint64_t>(kMaxTensorBytes)) {
      return bad_tensor(name, tensor, "has the shape " + sizes->dump());
    }
    shape.push_back(size.get<int64_t>());
  }
  return shape;
}

Result<Entry> entry_of(const std::string& name, const std::string& tensor, const json& fields) {
  if (!fields.is_object()) return bad_tensor(name, tensor, "is not described by an object");
  TRY(const ElementType element, element_of(name, tensor, fields));
  TRY(Shape shape, shape_of(name, tensor, fields));
  Entry entry{.tensor = tensor, .type = {element, std::move(shape)}};
  if (!is_valid(entry.type)) return bad_tensor(name, tensor, "is larger than 16 TiB");
  const auto offsets = fields.find("data_offsets");
  if (offsets == fields.end() || !offsets->is_array() || offsets->size() != 2 ||
      !(*offsets)[0].is_number_unsigned() || !(*offsets)[1].is_number_unsigned()) {
    return bad_tensor(name, tensor, "has no data_offsets");
  }
  entry.begin = (*offsets)[0].get<uint64_t>();
  entry.end = (*offsets)[1].get<uint64_t>();
  if (entry.begin > entry.end ||
      entry.end - entry.begin != static_cast<uint64_t>(entry.type.size_bytes())) {
    return bad_tensor(name, tensor,
                      "is " + to_string(entry.type) + " and has data_offsets " + offsets->dump());
  }
  return entry;
}

Result<std::map<std::string, std::string>> metadata_of(const std::string& name,
                                                       const json& fields) {
  std::map<std::string, std::string> metadata;
  if (!fields.is_object()) return damaged_safetensors(name, "__metadata__ is not an object");
  for (const auto& [key, value] : fields.items()) {
    if (!value.is_string())
      return damaged_safetensors(name, "__metadata__ '" + key + "' is not a text");
    metadata.emplace(key, value.get<std::string>());
  }
  return metadata;
}

/// The tensors must cover the data exactly: no byte is shared, none is left over.
Result<void> check_layout(const std::string& name, std::vector<Entry>& entries,
                          uint64_t num_data_bytes) {
  std::sort(entries.begin(), entries.end(),
            [](const Entry& a, const Entry& b) { return a.begin < b.begin; });
  uint64_t end = 0;
  for (const Entry& entry : entries) {
    if (entry.end > num_data_bytes) {
      return bad_tensor(name, entry.tensor,
                        "ends at byte " + std::to_string(entry.end) + " of " +
                            std::to_string(num_data_bytes) + " bytes of data");
    }
    if (entry.begin != end) {
      return bad_tensor(name, entry.tensor,
                        "starts at byte " + std::to_string(entry.begin) +
                            "; the tensor before it ends at " + std::to_string(end));
    }
    end = entry.end;
  }
  if (end == num_data_bytes) return {};
  return damaged_safetensors(name,
                             std::to_string(num_data_bytes - end) + " bytes belong to no tensor");
}

Result<Safetensors> decode(std::span<const std::byte> bytes, const std::string& name) {
  uint64_t header_bytes = 0;
  if (bytes.size() < kLengthBytes) return damaged_safetensors(name, "it is shorter than 8 bytes");
  std::memcpy(&header_bytes, bytes.data(), kLengthBytes);
  if (header_bytes > bytes.size() - kLengthBytes) {
    return damaged_safetensors(name, "its header should have " + std::to_string(header_bytes) +
                                         " bytes, and the file has " +
                                         std::to_string(bytes.size()));
  }
  const std::string_view text(reinterpret_cast<const char*>(bytes.data()) + kLengthBytes,
                              static_cast<size_t>(header_bytes));
  TRY(const json header, parse_header(text, name));
  Safetensors content;
  std::vector<Entry> entries;
  for (const auto& [key, fields] : header.items()) {
    if (key == kMetadata) {
      TRY(content.metadata, metadata_of(name, fields));
      continue;
    }
    TRY(Entry entry, entry_of(name, key, fields));
    entries.push_back(std::move(entry));
  }
  const std::span<const std::byte> data = bytes.subspan(kLengthBytes + text.size());
  TRY(check_layout(name, entries, data.size()));
  for (Entry& entry : entries) {
    const auto part = data.subspan(entry.begin, entry.end - entry.begin);
    content.tensors.emplace(entry.tensor,
                            Tensor{std::move(entry.type), {part.begin(), part.end()}});
  }
  return content;
}

/// JSON, padded with blanks so that the data starts at a multiple of 8.
std::string header_text(const Safetensors& content) {
  ordered_json header = ordered_json::object();
  if (!content.metadata.empty()) header[std::string(kMetadata)] = content.metadata;
  uint64_t offset = 0;
  for (const auto& [name, tensor] : content.tensors) {
    const uint64_t end = offset + tensor.data.size();
    header[name] = {{"dtype", std::string(properties_of(tensor.type.element).safetensors)},
                    {"shape", tensor.type.shape},
                    {"data_offsets", {offset, end}}};
    offset = end;
  }
  std::string text = header.dump();
  text.append((kLengthBytes - text.size() % kLengthBytes) % kLengthBytes, ' ');
  return text;
}

}  // namespace

Result<Safetensors> decode_safetensors(std::span<const std::byte> bytes, const std::string& name) {
  return without_exceptions([&]() -> Result<Safetensors> {
    try {
      return decode(bytes, name);
    } catch (const json::exception& error) {
      return damaged_safetensors(name, error.what());
    }
  });
}

Result<Safetensors> read_safetensors(const std::filesystem::path& path) {
  return without_exceptions([&]() -> Result<Safetensors> {
    TRY(const std::vector<std::byte> bytes, read_file(path));
    return decode_safetensors(bytes, path.string());
  });
}

Result<void> write_safetensors(const std::filesystem::path& path, const Safetensors& content) {
  return without_exceptions([&]() -> Result<void> {
    const auto cannot_write = [&](const std::string& reason) {
      return input_error("cannot write '" + path.string() + "': " + reason);
    };
    if (content.tensors.contains(std::string(kMetadata))) {
      return cannot_write("no tensor can have the name __metadata__");
    }
    for (const auto& [name, tensor] : content.tensors) {
      if (const auto whole = check_tensor(tensor); !whole) {
        return cannot_write("tensor '" + name + "': " + whole.error().message);
      }
    }
    try {
      const std::string header = header_text(content);
      const uint64_t header_bytes = header.size();
      std::vector<std::span<const std::byte>> parts = {std::as_bytes(std::span(&header_bytes, 1)),
                                                       bytes_of(header)};
      for (const auto& [name, tensor] : content.tensors) parts.emplace_back(tensor.data);
      return write_file_atomically(path, parts);
    } catch (const json::exception& error) {
      return cannot_write(error.what());
    }
  });
}

}  // namespace graphrt
