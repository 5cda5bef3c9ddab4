// Workers claim lines, and of them the segments that begin in a block of the axis. Those of many
// elements, all lines taken together, are left for later: each is then a scan of its own, whose
// axis may be shared out.
#include "segments.h"

#include <algorithm>
#include <cstring>

#include "claims.h"
#include "policy.h"
#include "sizes.h"

namespace cumsum {

Status find_fault(const int64_t* offsets, int64_t segments, int64_t size, int threads,
                  int64_t& fault, Interrupted interrupted, void* context) noexcept {
  Patience patience(interrupted, context);
  std::atomic<int64_t> found{segments + 1};
  const auto look = [&](int, int64_t first, int64_t last) {
    int64_t falls = 0;
    for (int64_t s = first; s < last; ++s) falls |= offsets[s + 1] < offsets[s];
    if (!falls) return true;
    int64_t at = first;
    while (at + 1 < last && offsets[at + 1] >= offsets[at]) ++at;
    for (int64_t least = found; at + 1 < least;) {
      if (found.compare_exchange_weak(least, at + 1)) break;
    }
    return true;
  };
  const int64_t share = sizes().claim / int64_t{sizeof(int64_t)};
  const bool small = segments * int64_t{sizeof(int64_t)} < policy::parallel_bytes;
  claim_all(small ? 1 : threads, segments, share, patience, look, [] {});
  fault = offsets[segments] == size ? -1 : segments;
  if (found <= segments) fault = found;
  if (offsets[0] != 0) fault = 0;
  return patience.status(false);
}

int64_t Run::first_from(int64_t element) const {
  const int64_t* const offsets = request_.offsets;
  return std::lower_bound(offsets, offsets + request_.segments, element) - offsets;
}

// Those that begin in the item's block, as it is in memory.
void Run::scan_segments(int worker, const Item& item) {
  const bool last_block = item.begin + plan_.block >= plan_.scan.size;
  const int64_t first = first_from(item.begin);
  const int64_t last = last_block ? request_.segments : first_from(item.begin + plan_.block);
  if (scan_short_) return scan_in_stages(worker, item, first, last);
  for (int64_t s = first; s < last; ++s) {
    if (length_of(s) > 0 && !is_left(item, s)) scan_whole(worker, segment_of(item, s));
  }
}

// Whether a segment is left for later; that is written down where its first line is met.
bool Run::is_left(const Item& item, int64_t segment) {
  if (!is_long(segment)) return false;
  if (item.first) {
    const std::lock_guard<std::mutex> lock(mutex_);
    long_.push_back(segment);
  }
  return true;
}

// One segment of an item's lines, whose elements are counted in the order of the scan.
Item Run::segment_of(const Item& item, int64_t segment) const {
  Item one = item;
  one.length = length_of(segment);
  one.begin = plan_.reverse ? plan_.scan.size - begin_of(segment + 1) : begin_of(segment);
  one.origin = one.begin;
  return one;
}

// One line that lies along the axis. On the way past the cache, and where results lie over the
// input, as many segments at a time as the stage holds, up to one that is left for later: what the
// stage has in its place is not its result.
void Run::scan_in_stages(int worker, const Item& line, int64_t first, int64_t last) {
  char* const y = line.y - plan_.y_offset;  // of the first element in memory
  const bool staged = plan_.stream || plan_.in_place;
  Workspace& space = workspaces_[worker];
  for (int64_t s = first, next; staged && s < last; first = s = next) {
    const int64_t begin = begin_of(s);
    for (next = s; next < last && !is_long(next) && begin_of(next + 1) <= begin + stage_;) ++next;
    if (next > s) {
      const int64_t bytes = (begin_of(next) - begin) * y_size_;
      assert(bytes <= space.stage.size());
      Item there = line;
      there.y = space.stage.data() - begin * y_size_ + plan_.y_offset;
      scan_some(worker, there, s, next);
      flush(y + begin * y_size_, space.stage.data(), bytes);
    } else if (++next; !is_left(line, s)) {
      plan_.stream ? scan_long_in_stages(worker, line, s) : scan_whole(worker, segment_of(line, s));
    }
  }
  scan_some(worker, line, first, last);
}

// Segments are counted from the line's first element in memory, items from the first of the scan.
void Run::scan_some(int worker, const Item& line, int64_t first, int64_t last) {
  ShortSegments some{
      line.x - plan_.x_offset, line.y - plan_.y_offset, request_.offsets, first, last,
      plan_.exclusive};
  for (; (some.first = scan_short_(some)) < last; ++some.first) {
    if (!is_left(line, some.first)) scan_whole(worker, segment_of(line, some.first));
  }
}

void Run::flush(char* y, const char* stage, int64_t bytes) const {
  if (plan_.stream) {
    kernels_.copy_past_cache(y, stage, bytes);
  } else {
    std::memcpy(y, stage, bytes);
  }
}

// Past the cache by way of the stage: rows end within cache lines, which must not be written in two
// ways.
void Run::scan_long_in_stages(int worker, const Item& line, int64_t segment) {
  Workspace& space = workspaces_[worker];
  const Item one = segment_of(line, segment);
  const int64_t most = stage_ / group_size * group_size;
  begin_lines(one, space.carry.data(), space.chain.data());
  for (int64_t i = 0; i < one.length; i += most) {
    Piece piece = part_of(one, one.begin + i, std::min(most, one.length - i));
    const int64_t back = plan_.reverse ? (piece.length - 1) * y_size_ : 0;
    char* const y = piece.y - back;
    piece.carry = space.carry.data();
    piece.chain = space.chain.data();
    piece.y = space.stage.data() + back;
    piece.stream = piece.staged = false;
    scan_(piece);
    flush(y, space.stage.data(), piece.length * y_size_);
  }
}

namespace {

// One segment of all lines, as a request of its own.
Status scan_alone(Request request, int64_t segment, const Kernels& kernels, Interrupted interrupted,
                  void* context) {
  int64_t shape[most_dims];
  const int64_t begin = request.offsets[segment];
  std::copy_n(request.shape, request.dims, shape);
  shape[request.axis] = request.offsets[segment + 1] - begin;
  request.shape = shape;
  request.offsets = nullptr;
  advance_by(request, begin);
  return run(make_plan(request, kernels), kernels, request, interrupted, context);
}

}  // namespace

Status run_segments(const Plan& plan, const Kernels& kernels, const Request& request,
                    Interrupted interrupted, void* context) {
  std::vector<int64_t> alone;
  const int64_t lines = plan.outer_size * plan.inner.size;
  if (lines * plan.scan.size / policy::least_segment >= request.segments) {
    for (int64_t s = 0; s < request.segments; ++s) {  // few, of many elements each
      if (request.offsets[s] < request.offsets[s + 1]) alone.push_back(s);
    }
  } else {
    Run scan(plan, kernels, request, interrupted, context);
    if (const Status status = scan(); status != Status::done) return status;
    alone = scan.long_segments();
    std::sort(alone.begin(), alone.end());
  }
  for (const int64_t segment : alone) {
    const Status status = scan_alone(request, segment, kernels, interrupted, context);
    if (status != Status::done) return status;
  }
  return Status::done;
}

}  // namespace cumsum
