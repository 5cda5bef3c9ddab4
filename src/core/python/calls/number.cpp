#include "number.h"

#include <cfloat>
#include <cmath>
#include <cstdlib>
#include <cstring>
#include <limits>

#include "scan.h"
#include "target.h"

namespace cumsum {
namespace {

template <class T>
bool store(T value, char* element) {
  std::memcpy(element, &value, sizeof value);
  return true;
}

template <class T>
bool store_integer(long long value, char* element) {
  using Limits = std::numeric_limits<T>;
  const bool fits = value >= 0
                        ? static_cast<unsigned long long>(value) <= Limits::max()
                        : Limits::is_signed && value >= static_cast<long long>(Limits::min());
  return fits && store(static_cast<T>(value), element);
}

bool store_integer(long long value, DType dtype, char* element) {
  switch (dtype) {
    case DType::int8:
      return store_integer<int8_t>(value, element);
    case DType::uint8:
      return store_integer<uint8_t>(value, element);
    case DType::int16:
      return store_integer<int16_t>(value, element);
    case DType::uint16:
      return store_integer<uint16_t>(value, element);
    case DType::int32:
      return store_integer<int32_t>(value, element);
    case DType::uint32:
      return store_integer<uint32_t>(value, element);
    case DType::int64:
      return store_integer<int64_t>(value, element);
    case DType::uint64:
      return store_integer<uint64_t>(value, element);
    default:
      return false;
  }
}

// Integers up to it are rounded once to 16 bits by NumPy and by torch.
constexpr long long most_in_half = 2048;

// By the core's cast: the scan of one element. What is a float of 32 bits is rounded once.
bool store_half(float value, DType dtype, char* element) {
  const int64_t shape = 1, of_float = sizeof(float), of_half = 2;
  const char* x = reinterpret_cast<const char*>(&value);
  const Request cast{DType::float32, dtype, 1, &shape, x, &of_float, element, &of_half, 0};
  return scan(cast, current_target()) == Status::done;
}

// Whether the rounding of a number to float overflowed or underflowed, which may be a warning.
bool is_out_of_range(double value, float rounded) {
  if (value == 0 || !std::isfinite(value)) return false;
  return !std::isfinite(rounded) || std::fabs(rounded) < FLT_MIN;
}

bool is_plain_half(double value, DType dtype) {
  const double least = dtype == DType::float16 ? 0x1p-14 : FLT_MIN;
  const double most = dtype == DType::float16 ? 65504 : 0x1p127;
  if (static_cast<double>(static_cast<float>(value)) != value) return false;
  return value == 0 ? !std::signbit(value) : std::fabs(value) >= least && std::fabs(value) <= most;
}

template <class T>
bool store_float(T value, DType dtype, char* element) {
  switch (dtype) {
    case DType::float16:
    case DType::bfloat16:
      return is_plain_half(static_cast<double>(value), dtype) &&
             store_half(static_cast<float>(value), dtype, element);
    case DType::float32:
      return !is_out_of_range(static_cast<double>(value), static_cast<float>(value)) &&
             store(static_cast<float>(value), element);
    case DType::float64:
      return store(static_cast<double>(value), element);
    case DType::longdouble:
      return store(static_cast<long double>(value), element);
    case DType::complex64:
      return store(0.0f, element + sizeof(float)) && store_float(value, DType::float32, element);
    case DType::complex128:
      return store(0.0, element + sizeof(double)) && store_float(value, DType::float64, element);
    case DType::clongdouble:
      return store(0.0L, element + sizeof(long double)) &&
             store_float(value, DType::longdouble, element);
    default:
      return false;
  }
}

bool read_integer(PyObject* number, long long& value) {
  int overflow = 0;
  value = PyLong_AsLongLongAndOverflow(number, &overflow);
  return overflow == 0;
}

}  // namespace

bool is_number(PyObject* object) { return PyLong_CheckExact(object) || PyFloat_CheckExact(object); }

bool store_number(PyObject* number, DType dtype, char* element) {
  if (PyFloat_CheckExact(number)) return store_float(PyFloat_AsDouble(number), dtype, element);
  long long value;
  if (!read_integer(number, value)) return false;
  if (dtype < DType::float16) return store_integer(value, dtype, element);
  const bool is_half = dtype == DType::float16 || dtype == DType::bfloat16;
  return !(is_half && std::llabs(value) > most_in_half) && store_float(value, dtype, element);
}

bool store_words(PyObject* number, int64_t words[2]) {
  long long value;
  if (!PyLong_CheckExact(number) || !read_integer(number, value)) return false;
  words[0] = value;
  words[1] = value < 0 ? -1 : 0;
  return true;
}

}  // namespace cumsum
