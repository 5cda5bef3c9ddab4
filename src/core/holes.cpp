// Compiled once for each target: the kernels of elements that add nothing.
#include "holes.h"

#include "simd.h"

namespace cumsum {
namespace {

// Elements as words, all bits of which a mask leaves or takes. Types that need more than one word
// go without vectors: they are as wide as half of one.
template <class T, class W, int N = 1>
struct Words {
  using word = W;
  static constexpr int words = N;
  static constexpr int size = N * sizeof(W);
  static constexpr int lanes = N == 1 ? vector_bytes / int{sizeof(W)} : 1;
};
template <class T>
struct ElementOf;
template <>
struct ElementOf<uint8_t> : Words<uint8_t, uint8_t> {};
template <>
struct ElementOf<uint16_t> : Words<uint16_t, uint16_t> {};
template <>
struct ElementOf<uint32_t> : Words<uint32_t, uint32_t> {};
template <>
struct ElementOf<uint64_t> : Words<uint64_t, uint64_t> {};
template <>
struct ElementOf<Float16> : Words<Float16, uint16_t> {};
template <>
struct ElementOf<BFloat16> : Words<BFloat16, uint16_t> {};
template <>
struct ElementOf<float> : Words<float, uint32_t> {};
template <>
struct ElementOf<double> : Words<double, uint64_t> {};
template <>
struct ElementOf<Complex<float>> : Words<Complex<float>, uint64_t> {};
template <>
struct ElementOf<long double> : Words<long double, uint64_t, sizeof(long double) / 8> {};
template <>
struct ElementOf<Complex<double>> : Words<Complex<double>, uint64_t, 2> {};
template <>
struct ElementOf<Complex<long double>>
    : Words<Complex<long double>, uint64_t, sizeof(long double) / 4> {};

template <class T>
using Word = typename ElementOf<T>::word;
template <class T>
inline constexpr int lanes = ElementOf<T>::lanes;
template <class T>
using Several = Vector<Word<T>, lanes<T>>;

// ---- what is NaN ------------------------------------------------------------------------------

// Of a 16-bit float: the bits of infinity, which those of NaN are above.
template <class T>
inline constexpr int infinity = __is_same(T, Float16) ? 0x7c00 : 0x7f80;
template <class T>
inline constexpr bool is_half = __is_same(T, Float16) || __is_same(T, BFloat16);

template <class T>
inline bool is_nan(const char* p) {
  if constexpr (is_half<T>) {
    return (read<uint16_t>(p) & 0x7fff) > infinity<T>;
  } else {
    const T value = read<T>(p);
    if constexpr (requires { value.real; }) {
      return value.real != value.real || value.imag != value.imag;
    } else {
      return value != value;
    }
  }
}

// All bits of each lane that is NaN.
template <class T>
inline Several<T> are_nan(Several<T> x) {
  if constexpr (is_half<T>) {
    using Signed = Vector<int16_t, lanes<T>>;
    return bit_cast<Several<T>>(bit_cast<Signed>(x & 0x7fff) > int16_t{infinity<T>});
  } else if constexpr (__is_same(T, Complex<float>)) {
    const auto parts = bit_cast<Vector<float, 2 * lanes<T>>>(x);
    const auto found = bit_cast<Several<T>>(parts != parts);
    return found | found << 32 | found >> 32;
  } else {
    const auto values = bit_cast<Vector<T, lanes<T>>>(x);
    return bit_cast<Several<T>>(values != values);
  }
}

template <class T>
inline T make_nan() {
  if constexpr (__is_same(T, Float16)) {
    return {0x7e00};
  } else if constexpr (__is_same(T, BFloat16)) {
    return {0x7fc0};
  } else if constexpr (requires(T value) { value.real; }) {
    using Part = decltype(T{}.real);
    return {make_nan<Part>(), make_nan<Part>()};
  } else {
    return static_cast<T>(__builtin_nan(""));
  }
}

// ---- into a buffer ----------------------------------------------------------------------------

// All bits of each lane whose byte is not zero, and the bytes of such lanes.
template <class T>
inline Several<T> lengthen(const char* bytes) {
  const auto mask = read<Vector<uint8_t, lanes<T>>>(bytes);
  return bit_cast<Several<T>>(widen<Word<T>, lanes<T>, uint8_t>(mask) != 0);
}
template <class T>
inline void write_bytes(char* p, Several<T> kept) {
  if constexpr (sizeof(Word<T>) == 4) {
    write(p, low_bytes<lanes<T>>(kept));
  } else {
    write(p, __builtin_convertvector(kept, Vector<uint8_t, lanes<T>>));
  }
}

template <class T, bool masked, bool skipna>
void fill_row(const char* x, const char* mask, char* y, char* kept, int64_t count) {
  constexpr int size = ElementOf<T>::size;
  int64_t i = 0;
  if constexpr (lanes<T> > 1) {
    for (; i + lanes<T> <= count; i += lanes<T>) {
      const auto value = read<Several<T>>(x + i * size);
      auto keep = ~Several<T>{};
      if constexpr (masked) keep = lengthen<T>(mask + i);
      if constexpr (skipna) keep &= ~are_nan<T>(value);
      write(y + i * size, value & keep);
      if (kept) write_bytes<T>(kept + i, keep);
    }
  }
  for (; i < count; ++i) {
    bool keep = true;
    if constexpr (masked) keep = mask[i] != 0;
    if constexpr (skipna) keep = keep && !is_nan<T>(x + i * size);
    for (int64_t at = i * size; at < (i + 1) * size; at += sizeof(Word<T>)) {
      write(y + at, static_cast<Word<T>>(keep ? read<Word<T>>(x + at) : 0));
    }
    if (kept) kept[i] = keep ? -1 : 0;
  }
}

template <class T>
inline constexpr bool has_nan = is_half<T> || !__is_same(T, Word<T>);

template <class T>
void fill(const HoleRows& p) {
  using Fill = decltype(&fill_row<T, false, false>);
  Fill masked = fill_row<T, true, false>, whole = fill_row<T, false, false>;
  if constexpr (has_nan<T>) {
    if (p.skipna) masked = fill_row<T, true, true>, whole = fill_row<T, false, true>;
  }
  const bool each = p.mask && !p.one_for_row;
  for (int64_t row = 0; row < p.rows; ++row) {
    const char* const mask = p.mask + row * p.mask_row;
    char* const y = p.y + row * p.y_row;
    char* const kept = p.kept ? p.kept + row * p.kept_row : nullptr;
    if (p.mask && p.one_for_row && *mask == 0) {
      __builtin_memset(y, 0, p.count * ElementOf<T>::size);
      if (kept) __builtin_memset(kept, 0, p.count);
    } else {
      (each ? masked : whole)(p.x + row * p.x_row, mask, y, kept, p.count);
    }
  }
}

// ---- and out of it ----------------------------------------------------------------------------

template <class T>
inline void show_one(const char* x, char kept, char* y) {
  write(y, kept ? read<T>(x) : make_nan<T>());
}

template <class T>
void show_row(const char* x, const char* kept, char* y, int64_t count, bool past_cache) {
  constexpr int size = ElementOf<T>::size;
  int64_t i = 0;
  if constexpr (lanes<T> > 1) {
    const Several<T> nan = Several<T>{} + bit_cast<Word<T>>(make_nan<T>());
#if defined(__x86_64__)
    if (past_cache) {
      for (; i < count && reinterpret_cast<uintptr_t>(y + i * size) % vector_bytes != 0; ++i) {
        show_one<T>(x + i * size, kept[i], y + i * size);
      }
    }
#endif
    for (; i + lanes<T> <= count; i += lanes<T>) {
      const auto keep = lengthen<T>(kept + i);
      const auto value = (read<Several<T>>(x + i * size) & keep) | (nan & ~keep);
#if defined(__x86_64__)
      if (past_cache) {
        stream(y + i * size, bit_cast<Vector<char, vector_bytes>>(value));
        continue;
      }
#endif
      write(y + i * size, value);
    }
  }
  for (; i < count; ++i) show_one<T>(x + i * size, kept[i], y + i * size);
}

template <class T>
void show(const HoleRows& p) {
  for (int64_t row = 0; row < p.rows; ++row) {
    show_row<T>(p.x + row * p.x_row, p.kept + row * p.kept_row, p.y + row * p.y_row, p.count,
                p.past_cache);
  }
}

template <class T>
constexpr void add(HoleKernels& kernels, DType dtype) {
  kernels.fill[static_cast<int>(dtype)] = fill<T>;
  if constexpr (has_nan<T>) kernels.show[static_cast<int>(dtype)] = show<T>;
}

constexpr HoleKernels make_kernels() {
  HoleKernels kernels{};
  add<uint8_t>(kernels, DType::boolean);
  add<uint8_t>(kernels, DType::uint8);
  add<uint8_t>(kernels, DType::int8);
  add<uint16_t>(kernels, DType::uint16);
  add<uint16_t>(kernels, DType::int16);
  add<uint32_t>(kernels, DType::uint32);
  add<uint32_t>(kernels, DType::int32);
  add<uint64_t>(kernels, DType::uint64);
  add<uint64_t>(kernels, DType::int64);
  add<Float16>(kernels, DType::float16);
  add<BFloat16>(kernels, DType::bfloat16);
  add<float>(kernels, DType::float32);
  add<double>(kernels, DType::float64);
  add<long double>(kernels, DType::longdouble);
  add<Complex<float>>(kernels, DType::complex64);
  add<Complex<double>>(kernels, DType::complex128);
  add<Complex<long double>>(kernels, DType::clongdouble);
  return kernels;
}

}  // namespace

namespace CUMSUM_TARGET {
extern constinit const HoleKernels hole_kernels = make_kernels();
}  // namespace CUMSUM_TARGET

}  // namespace cumsum
