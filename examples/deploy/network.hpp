// An emitted library from C++11: one object a thread, with a workspace of its own.
#pragma once

#include <cstdint>
#include <stdexcept>
#include <string>
#include <vector>

#include "net.h"

class Network {
 public:
  Network() : room_(NET_WORKSPACE_BYTES + 63) {}
  Network(const Network &) : Network() {}
  Network &operator=(const Network &) { return *this; }

  // Writes the classes of `n` rows of NET_FEATURES bytes to `classes`.
  void predict(const std::uint8_t *x, std::int64_t n, std::int64_t *classes) {
    const std::int32_t status =
        net_run(x, GATEWRIGHT_UINT8, n, NET_FEATURES * sizeof *x, GATEWRIGHT_CLASSES, classes,
                GATEWRIGHT_ALIGN(room_.data()));
    if (status != GATEWRIGHT_OK)
      throw std::runtime_error("net_run: status " + std::to_string(status));
  }

 private:
  std::vector<unsigned char> room_;
};
