// Prints the class of each sample on standard input, a row of NET_FEATURES bytes; two threads.
#include <algorithm>
#include <iostream>
#include <iterator>
#include <thread>

#include "network.hpp"

int main() {
  std::ios::sync_with_stdio(false);
  const std::vector<char> bytes{std::istreambuf_iterator<char>(std::cin), {}};
  const auto *x = reinterpret_cast<const std::uint8_t *>(bytes.data());
  const std::int64_t n = static_cast<std::int64_t>(bytes.size() / NET_FEATURES);
  const std::int64_t part = ((n + 1) / 2 + 511) / 512 * 512;  // whole words of the widest path
  std::vector<std::int64_t> classes(static_cast<std::size_t>(n));
  std::vector<std::thread> threads;
  for (std::int64_t at = 0; at < n; at += part)
    threads.emplace_back([&, at] {
      Network().predict(x + at * NET_FEATURES, std::min(part, n - at), classes.data() + at);
    });
  for (auto &thread : threads) thread.join();
  for (const std::int64_t found : classes) std::cout << found << '\n';
}
