#include "segment_run.h"

#include <algorithm>
#include <cassert>
#include <cstring>

#include "float_mode.h"
#include "policy.h"
#include "pool.h"

namespace cumsum {
namespace {

int64_t divide_up(int64_t a, int64_t b) { return (a + b - 1) / b; }

ScanShort short_kernel(const Plan& plan, const Kernels& kernels, bool reverse) {
  if (plan.walk == Walk::columns || plan.carried || plan.precision == Precision::compensated) {
    return nullptr;
  }
  return kernels.segments[int(plan.x_dtype)][int(plan.y_dtype)][reverse];
}

}  // namespace

SegmentRun::SegmentRun(const Plan& plan, const Problem& problem, const Segments& segments,
                       const Kernels& kernels, const Operands& operands, Interrupted interrupted,
                       void* context)
    : plan_(plan),
      segments_(segments),
      kernels_(kernels),
      at_(operands),
      set_(set_of(kernels, plan.x_dtype, plan.y_dtype, plan.precision)),
      columns_(plan.walk == Walk::columns),
      reverse_(problem.direction == Direction::reverse),
      exclusive_(plan.kind == Kind::exclusive),
      staged_(plan.stream || (plan.in_place && plan.walk != Walk::columns)),
      x_size_(item_size(plan.x_dtype)),
      y_size_(item_size(plan.y_dtype)),
      x_scan_(reverse_ ? -plan.scan.x_stride : plan.scan.x_stride),
      y_scan_(reverse_ ? -plan.scan.y_stride : plan.scan.y_stride),
      channels_(plan.y_dtype >= DType::complex64 ? 2 : 1),
      scan_(set_.scan[int(plan.walk)]),
      scan_short_(short_kernel(plan, kernels, reverse_)),
      panel_(columns_ ? plan.panel : 1),
      panels_(divide_up(plan.inner.size, panel_)),
      block_(std::max<int64_t>(group_size, policy::claim_bytes / (panel_ * (x_size_ + y_size_)))),
      blocks_(divide_up(plan.scan.size, block_)),
      units_(plan.outer_size * panels_ * blocks_),
      grain_(std::max<int64_t>(1, block_ / plan.scan.size)),
      stage_(policy::segment_stage_bytes / y_size_),
      longest_(std::max<int64_t>(1, policy::least_segment / (plan.outer_size * plan.inner.size))),
      patience_(interrupted, context) {}

Status SegmentRun::operator()(int threads) {
  const int64_t workers = std::min<int64_t>(threads, divide_up(units_, grain_));
  spaces_.resize(workers);
  for (Space& space : spaces_) {
    space.carry.resize(panel_ * set_.carry_size);
    space.chain.resize(panel_ * set_.chain_size);
    if (staged_) space.stage.resize(stage_ * y_size_);
  }
  run_parallel(static_cast<int>(workers), &SegmentRun::work, this, patience_);
  const Status status = patience_.status(plan_.in_place);
  if (status == Status::done) std::sort(long_.begin(), long_.end());
  return status;
}

void SegmentRun::work(void* self, int worker) noexcept {
  SegmentRun& run = *static_cast<SegmentRun*>(self);
  const StandardFloats standard;
  for (;;) {
    const int64_t first = run.next_.fetch_add(run.grain_, std::memory_order_relaxed);
    if (first >= run.units_ || run.patience_.is_over(worker)) break;
    const int64_t last = std::min(first + run.grain_, run.units_);
    for (int64_t index = first; index < last; ++index) run.scan_unit(run.spaces_[worker], index);
  }
  if (run.plan_.stream) finish_streams();
}

SegmentRun::Lines SegmentRun::place(int64_t index) const {
  const int64_t first = index % panels_ * panel_;
  const Axis& inner = plan_.inner;
  int64_t outer = index / panels_, x = first * inner.x_stride, y = first * inner.y_stride;
  int64_t initial = first * inner.initial_stride;
  for (int d = plan_.outer_dims - 1; d >= 0; --d) {
    const Axis& axis = plan_.outer[d];
    const int64_t i = outer % axis.size;
    outer /= axis.size;
    x += i * axis.x_stride;
    y += i * axis.y_stride;
    initial += i * axis.initial_stride;
  }
  const int64_t count = std::min(panel_, inner.size - first);
  return {at_.x + x, at_.y + y, at_.initial + initial, count, index == 0};
}

int64_t SegmentRun::first_from(int64_t element) const {
  const int64_t* const offsets = segments_.offsets;
  return std::lower_bound(offsets, offsets + segments_.count, element) - offsets;
}

void SegmentRun::scan_unit(Space& space, int64_t index) {
  const int64_t block = index % blocks_;
  const Lines lines = place(index / blocks_);
  const int64_t first = first_from(block * block_);
  const int64_t last = block + 1 < blocks_ ? first_from((block + 1) * block_) : segments_.count;
  if (columns_) {
    for (int64_t s = first; s < last; ++s) {
      if (!leave_out(lines, s)) scan_segment(space, lines, s, lines.y, plan_.stream);
    }
  } else {
    scan_lines(space, lines, first, last);
  }
}

// Whether all lines of the segment are left for later.
bool SegmentRun::leave_out(const Lines& lines, int64_t segment) {
  if (!is_long(segment)) return length_of(segment) == 0;
  if (lines.first) {
    const std::lock_guard<std::mutex> lock(mutex_);
    long_.push_back(segment);
  }
  return true;
}

// One line. On the way past the cache, as many segments at a time as the stage holds, up to one
// that is left for later: what the stage has in its place is not its result.
void SegmentRun::scan_lines(Space& space, const Lines& line, int64_t first, int64_t last) {
  for (int64_t s = first, next; staged_ && s < last; first = s = next) {
    const int64_t begin = begin_of(s);
    for (next = s; next < last && !is_long(next) && begin_of(next + 1) <= begin + stage_;) ++next;
    if (next > s) {
      assert((begin_of(next) - begin) * y_size_ <= static_cast<int64_t>(space.stage.size()));
      scan_some(space, line, s, next, space.stage.data() - begin * y_size_, false);
      flush(line.y + begin * y_size_, space.stage.data(), (begin_of(next) - begin) * y_size_);
    } else {
      scan_some(space, line, s, ++next, line.y, plan_.stream);
    }
  }
  scan_some(space, line, first, last, line.y, false);
}

void SegmentRun::scan_some(Space& space, const Lines& line, int64_t first, int64_t last, char* y,
                           bool stream) {
  for (ShortSegments some{line.x, y, segments_.offsets, first, last, exclusive_};; ++some.first) {
    if (scan_short_) some.first = scan_short_(some);
    if (some.first == last) return;
    if (leave_out(line, some.first)) continue;
    if (stream && !can_stream(piece_of(space, line, some.first, y))) {
      scan_in_stages(space, line, some.first);
    } else {
      scan_segment(space, line, some.first, y, stream);
    }
  }
}

void SegmentRun::flush(char* y, const char* stage, int64_t bytes) const {
  if (plan_.stream) {
    kernels_.copy_past_cache(y, stage, bytes);
  } else {
    std::memcpy(y, stage, bytes);
  }
}

// A segment of `y`, which need not be the lines' own.
Piece SegmentRun::piece_of(Space& space, const Lines& lines, int64_t segment, char* y) const {
  const int64_t first = reverse_ ? begin_of(segment + 1) - 1 : begin_of(segment);
  Piece piece{};
  piece.x = lines.x + first * x_scan_;
  piece.y = y + first * y_scan_;
  piece.x_scan = plan_.scan.x_stride;
  piece.y_scan = plan_.scan.y_stride;
  piece.x_line = plan_.inner.x_stride;
  piece.y_line = plan_.inner.y_stride;
  piece.length = length_of(segment);
  piece.exclusive = exclusive_;
  piece.lines = columns_ ? lines.count * channels_ : lines.count;
  const int64_t whole = columns_ ? group_size : tile_size;
  if (piece.length > whole || plan_.carried) {
    piece.carry = space.carry.data();
    piece.chain = space.chain.data();
    piece.carried = plan_.carried;
  }
  return piece;
}

void SegmentRun::set_carries(Space& space, const Lines& lines) const {
  std::memset(space.chain.data(), 0, space.chain.size());
  if (plan_.carried) {
    set_.set(space.carry.data(), lines.initial, plan_.inner.initial_stride, lines.count);
  } else {
    std::memset(space.carry.data(), 0, space.carry.size());
  }
}

// As Run::can_stream has it. Rows end within cache lines, which must not be written in two ways.
bool SegmentRun::can_stream(const Piece& piece) const {
  if (!columns_) return false;
  const int64_t row_bytes = piece.lines * y_size_ / channels_;
  return row_bytes >= policy::least_streamed_row || y_scan_ == row_bytes;
}

void SegmentRun::scan_segment(Space& space, const Lines& lines, int64_t segment, char* y,
                              bool stream) {
  Piece piece = piece_of(space, lines, segment, y);
  piece.stream = stream && can_stream(piece);
  if (piece.carry) set_carries(space, lines);
  scan_(piece);
}

// Past the cache by way of the stage, where the kernels can't write past it themselves.
void SegmentRun::scan_in_stages(Space& space, const Lines& line, int64_t segment) {
  const Piece whole = piece_of(space, line, segment, line.y);
  const int64_t most = stage_ / group_size * group_size;
  set_carries(space, line);
  for (int64_t i = 0; i < whole.length; i += most) {
    Piece piece = whole;
    piece.carry = space.carry.data();
    piece.chain = space.chain.data();
    piece.position = i;
    piece.length = std::min(most, whole.length - i);
    piece.x += i * piece.x_scan;
    char* const y = whole.y + i * piece.y_scan;
    const int64_t back = reverse_ ? (piece.length - 1) * y_size_ : 0;
    piece.y = space.stage.data() + back;
    scan_(piece);
    flush(y - back, space.stage.data(), piece.length * y_size_);
  }
}

}  // namespace cumsum
