#include "functions.h"
#include "memory.h"
#include "scan_call.h"
#include "states.h"
#include "target.h"
#include "totals.h"

namespace cumsum {
namespace {

// How chunks are scanned, what stands beside x aside.
struct Manner {
  DType dtype;
  Precision precision;

  bool read(int code, int compensated) {
    dtype = static_cast<DType>(code);
    precision = compensated ? Precision::compensated : Precision::standard;
    return is_dtype(code);
  }
  // Of sums, exact or with decays of a type, if not -1.
  int64_t state_size(bool exact = false, int decay = -1) const {
    static constexpr char something{};
    Request request{};
    request.y_dtype = dtype;
    request.precision = precision;
    if (exact) request.overflow = Overflow::saturate;
    if (decay != -1) {
      request.decay.data = &something;
      request.decay_dtype = static_cast<DType>(decay);
    }
    return cumsum::state_size(request);
  }
  int64_t total_size() const { return cumsum::total_size(dtype, precision, current_target()); }
};

int64_t line_count(const ArrayView& x, int axis) {
  int64_t count = 1;
  for (int d = 0; d < x.dims; ++d) count *= d == axis ? 1 : x.shape[d];
  return count;
}

// The same elements with those of the axis, if there are any, from the last on.
void turn(ArrayView& view, int axis) {
  if (view.shape[axis] > 0) view.data += (view.shape[axis] - 1) * view.strides[axis];
  view.strides[axis] = -view.strides[axis];
}

// A buffer that a caller lends, given back at the end; none where an argument is None.
class Bytes {
 public:
  Bytes() { view.obj = nullptr; }
  ~Bytes() { PyBuffer_Release(&view); }
  Bytes(const Bytes&) = delete;
  Bytes& operator=(const Bytes&) = delete;
  char* data() const { return static_cast<char*>(view.buf); }

  Py_buffer view;
};

PyObject* none_if(bool done) { return done ? Py_NewRef(Py_None) : nullptr; }

}  // namespace

PyObject* resume_memory(PyObject*, PyObject* args) {
  PyObject *of_x, *of_y, *spec;
  long long position;
  int threads, axis;
  Bytes states, after;
  ArrayView x, y;
  Options options;
  if (!PyArg_ParseTuple(args, "OOOiy*w*L|OO", &of_x, &of_y, &spec, &threads, &states.view,
                        &after.view, &position, &options.where, &options.decay) ||
      !read_memory(of_x, x) || !read_memory(of_y, y) || !read_spec(spec, options, x, axis)) {
    return nullptr;
  }
  if (options.overflow == Overflow::raise) return none_if(refuse("nothing is raised on the way"));
  if (options.reverse && (options.where || options.decay)) {
    return none_if(refuse("what stands beside x is of forward scans"));
  }
  if (options.reverse) {
    turn(x, axis);
    turn(y, axis);
    options.reverse = false;
  }
  ScanCall scan(options, x, axis, y.dtype, lend_memory);
  const bool ready = !options.include_initial && threads >= 1 && position >= 0 && scan.read() &&
                     scan.take(y, true, threads);
  const int64_t bytes = ready ? line_count(x, axis) * state_size(scan.request()) : -1;
  if (states.view.len != bytes || after.view.len != bytes) {
    return none_if(PyErr_Occurred() ? false : refuse("states, spec or position out of range"));
  }
  return none_if(scan.resume(states.data(), after.data(), position));
}

PyObject* add_up_memory(PyObject*, PyObject* args) {
  PyObject *of_x, *spec;
  int threads, axis, dtype;
  Bytes totals;
  ArrayView x;
  Options options;
  Manner manner;
  if (!PyArg_ParseTuple(args, "OOiiw*", &of_x, &spec, &threads, &dtype, &totals.view) ||
      !read_memory(of_x, x) || !read_spec(spec, options, x, axis) ||
      !manner.read(dtype, options.compensated)) {
    return nullptr;
  }
  const int64_t tiles = x.shape[axis] / tile_size;
  if (options.is_exact() || options.skipna) {
    return none_if(refuse("totals are those of sums of all elements, which may wrap"));
  }
  if (threads < 1 || x.shape[axis] % tile_size != 0 ||
      totals.view.len != tiles * line_count(x, axis) * manner.total_size()) {
    return none_if(refuse("x does not consist of tiles, or the buffer is not for their sums"));
  }
  if (options.reverse) turn(x, axis);
  Request request = request_of(x, x, axis, threads);
  request.y_dtype = manner.dtype;
  request.precision = manner.precision;
  request.after = totals.data();
  return none_if(run_released(
      element_count(x) * item_size(x.dtype),
      [&](Interrupted stop, void* of) { return add_up(request, current_target(), stop, of); }));
}

PyObject* advance_records(PyObject*, PyObject* args) {
  Bytes states, totals, tail, after;
  long long tiles;
  int dtype, compensated;
  Manner manner;
  if (!PyArg_ParseTuple(args, "y*y*Lz*w*ip", &states.view, &totals.view, &tiles, &tail.view,
                        &after.view, &dtype, &compensated) ||
      !manner.read(dtype, compensated)) {
    return nullptr;
  }
  const int64_t size = manner.state_size(), bytes = states.view.len, lines = bytes / size;
  if (bytes != lines * size || after.view.len != bytes || tiles < 0 ||
      totals.view.len != tiles * lines * manner.total_size() ||
      (tail.view.buf && tail.view.len != bytes)) {
    return none_if(refuse("states, totals or tail are not of the same lines"));
  }
  const Status status = advance(manner.dtype, manner.precision, current_target(), states.data(),
                                lines, totals.data(), tiles, tail.data(), after.data());
  return status == Status::done ? Py_NewRef(Py_None) : PyErr_NoMemory();
}

PyObject* begin_records(PyObject*, PyObject* args) {
  Bytes states;
  PyObject* memory;
  int compensated;
  ArrayView values;
  Manner manner;
  if (!PyArg_ParseTuple(args, "w*Op", &states.view, &memory, &compensated) ||
      !read_memory(memory, values) || !manner.read(int(values.dtype), compensated)) {
    return nullptr;
  }
  const int64_t count = element_count(values);
  if ((count != 0 && !is_contiguous(values)) || states.view.len != count * manner.state_size()) {
    return none_if(refuse("the states are not those of the values"));
  }
  begin_states(manner.dtype, manner.precision, states.data(), values.data, states.view.len);
  Py_RETURN_NONE;
}

PyObject* record_bytes(PyObject*, PyObject* args) {
  int dtype, compensated, exact = 0, decay = -1;
  Manner manner;
  if (!PyArg_ParseTuple(args, "ip|pi", &dtype, &compensated, &exact, &decay) ||
      !manner.read(dtype, compensated) || (decay != -1 && !is_dtype(decay))) {
    return nullptr;
  }
  return PyLong_FromLongLong(manner.state_size(exact, decay));
}

PyObject* total_bytes(PyObject*, PyObject* args) {
  int dtype, compensated;
  Manner manner;
  if (!PyArg_ParseTuple(args, "ip", &dtype, &compensated)) return nullptr;
  return manner.read(dtype, compensated) ? PyLong_FromLongLong(manner.total_size()) : nullptr;
}

}  // namespace cumsum
