#include "border.h"

#include <cstring>

namespace cumsum {
namespace {

template <int size>
void copy_elements(int dims, const int64_t* shape, char* y, const int64_t* y_strides, const char* x,
                   const int64_t* x_strides) {
  for (int64_t i = 0; i < *shape; ++i) {
    char* const to = y + i * *y_strides;
    const char* const from = x + i * *x_strides;
    if (dims == 1) {
      std::memcpy(to, from, size);
    } else {
      copy_elements<size>(dims - 1, shape + 1, to, y_strides + 1, from, x_strides + 1);
    }
  }
}

}  // namespace

Status write_border(const Operand& first, int64_t size, int dims, const int64_t* shape,
                    char* border, const int64_t* strides) {
  static constexpr char zero[32] = {};
  int64_t sizes[most_dims], to[most_dims], from[most_dims];
  int kept = 0;
  for (int d = 0; d < dims; ++d) {
    if (shape[d] == 1 && !(kept == 0 && d == dims - 1)) continue;  // one is needed
    sizes[kept] = shape[d];
    to[kept] = strides[d];
    from[kept++] = first.data ? first.strides[d] : 0;
  }
  const auto copy = size == 1    ? copy_elements<1>
                    : size == 2  ? copy_elements<2>
                    : size == 4  ? copy_elements<4>
                    : size == 8  ? copy_elements<8>
                    : size == 16 ? copy_elements<16>
                                 : copy_elements<32>;
  copy(kept, sizes, border, to, first.data ? first.data : zero, from);
  return Status::done;
}

}  // namespace cumsum
