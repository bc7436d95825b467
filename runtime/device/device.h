#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "runtime/base/result.h"
#include "runtime/device/action.h"
#include "runtime/device/operand_slots.h"
#include "runtime/op/attribute.h"

namespace graphrt {

class Device;

/// The physical memory that a device allocates from. Devices may share one: emulated accelerators
/// live in the host's.
struct MemoryPool {
  std::string name;  ///< same name, same memory
  int64_t available_bytes = 0;
};

/// One operator with its operands placed.
struct KernelBinding {
  std::string_view op;
  const Attributes* attributes = nullptr;
  std::vector<OperandSlots> inputs;
  std::vector<OperandSlots> results;
  std::optional<OperandSlots> scratch =
      {};                           ///< where the operator needs some, as scratch_bytes() says
  std::string_view algorithm = {};  ///< one that algorithms() names; empty: the device's own rule
};

/// One transfer between the memories of two devices.
struct CopyBinding {
  const Device* source = nullptr;
  OperandSlots from;
  const Device* destination = nullptr;
  OperandSlots to;
};

/// A device that a plan runs on: memory of its own, and operators and copies that are bound once
/// and then run without allocation.
///
/// Owns its arenas until it is destroyed; actions bound here must not be run after that.
/// Threads: bound actions may run at the same time as each other; everything else from one thread,
///          while no action runs.
class Device {
 public:
  explicit Device(std::string name) : name_(std::move(name)) {}
  Device(const Device&) = delete;
  Device& operator=(const Device&) = delete;
  virtual ~Device() = default;

  /// As the plan names it.
  const std::string& name() const { return name_; }

  /// Whether the host may follow this device's addresses: feeds and outputs need that.
  virtual bool is_host() const = 0;

  virtual MemoryPool memory_pool() const = 0;

  /// What the user should know of how this device works here, a line each, once all is bound.
  virtual std::vector<std::string> notes() const { return {}; }

  /// An arena of at least `size_bytes`, aligned to 4096, with unspecified content. Requires: size
  /// >= 0. Errors: no memory (kMachine).
  virtual Result<std::byte*> allocate(int64_t size_bytes) = 0;

  /// Makes memory of the host known to this device before copies from or to it are bound: pinned,
  /// where copies need that to overlap. It stays known until this is destroyed. write() and read()
  /// do without.
  virtual Result<void> adopt_host(std::byte* /*begin*/, int64_t /*size_bytes*/) { return {}; }

  /// Whether all of [begin, begin + size_bytes) lies in one arena of this device.
  virtual bool owns(const std::byte* begin, int64_t size_bytes) const = 0;

  /// Copies host bytes into an arena, or back; returns when they have arrived.
  /// Errors: a range that is not in one arena of this device.
  virtual Result<void> write(std::byte* to, std::span<const std::byte> from) = 0;
  virtual Result<void> read(const std::byte* from, std::span<std::byte> to) const = 0;

  /// Errors: no kernel for this operator and these types; an operand that is not in this device's
  ///         memory: reading through another device's memory fails; an algorithm that it does not
  ///         have for this kernel. A device whose algorithms() are none takes any.
  virtual Result<std::unique_ptr<Action>> bind_kernel(const KernelBinding& binding) = 0;

  /// The algorithms that a kernel can be bound with, likely the fastest first; none where there is
  /// no choice. Of the operands, only the types matter. Errors: as bind_kernel().
  virtual Result<std::vector<std::string>> algorithms(const KernelBinding& /*binding*/) {
    return std::vector<std::string>();
  }

  /// Binds a copy between this device's memory and another's. The accelerator is asked: the
  /// destination, or the source where the destination is the host.
  /// Errors: neither end is this device; types differ; an end that is not in its device's memory;
  ///         memory of the host that this device was not made known of; a pair of devices that this
  ///         back end cannot connect.
  virtual Result<std::unique_ptr<Action>> bind_copy(const CopyBinding& binding) = 0;

 private:
  std::string name_;
};

}  // namespace graphrt
