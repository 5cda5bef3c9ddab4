#include "segments.h"

#include <algorithm>
#include <atomic>
#include <new>

#include "policy.h"
#include "pool.h"
#include "segment_run.h"

namespace cumsum {
namespace {

int64_t element_count(const Problem& problem) {
  uint64_t count = 1;  // with a zero among the sizes the product of the others may wrap round
  for (int d = 0; d < problem.dims; ++d) count *= static_cast<uint64_t>(problem.shape[d]);
  return static_cast<int64_t>(count);
}

struct Search {
  const Segments& segments;
  Patience patience;
  std::atomic<int64_t> next{0}, found;
};

void look(void* context, int worker) noexcept {
  Search& search = *static_cast<Search*>(context);
  const int64_t *const offsets = search.segments.offsets, count = search.segments.count;
  constexpr int64_t share = policy::claim_bytes / int64_t{sizeof(int64_t)};
  for (;;) {
    const int64_t first = search.next.fetch_add(share);
    if (first >= count || search.patience.is_over(worker)) return;
    const int64_t last = std::min(first + share, count);
    int64_t falls = 0;
    for (int64_t s = first; s < last; ++s) falls |= offsets[s + 1] < offsets[s];
    if (!falls) continue;
    int64_t at = first;
    while (offsets[at + 1] >= offsets[at]) ++at;
    for (int64_t least = search.found; at + 1 < least;) {
      if (search.found.compare_exchange_weak(least, at + 1)) break;
    }
  }
}

// One segment of all lines, as a problem of its own.
Problem part_of(const Problem& problem, const Segments& segments, int64_t segment, int64_t* shape) {
  std::copy_n(problem.shape, problem.dims, shape);
  shape[problem.axis] = segments.offsets[segment + 1] - segments.offsets[segment];
  Problem part = problem;
  part.shape = shape;
  return part;
}

struct Caller {  // who may interrupt
  Interrupted interrupted;
  void* context;
};

Status scan_alone(const Problem& problem, const Segments& segments, int64_t segment,
                  const Kernels& kernels, Operands operands, const Caller& caller) {
  int64_t shape[most_dims];
  const Plan plan = make_plan(part_of(problem, segments, segment, shape), kernels);
  operands.x += segments.offsets[segment] * problem.x_strides[problem.axis];
  operands.y += segments.offsets[segment] * problem.y_strides[problem.axis];
  return run(plan, kernels, operands, caller.interrupted, caller.context);
}

// Few segments of many elements, all lines taken together: each has a scan of its own.
bool are_alone(const Problem& problem, const Segments& segments) {
  return element_count(problem) / policy::least_segment >= segments.count;
}

Status run_together(const Problem& problem, const Segments& segments, const Kernels& kernels,
                    const Operands& operands, const Caller& caller) {
  const Plan plan = make_plan(problem, kernels);
  SegmentRun scan(plan, problem, segments, kernels, operands, caller.interrupted, caller.context);
  if (const Status status = scan(problem.threads); status != Status::done) return status;
  for (const int64_t segment : scan.long_segments()) {
    const Status status = scan_alone(problem, segments, segment, kernels, operands, caller);
    if (status != Status::done) return status;
  }
  return Status::done;
}

}  // namespace

Status find_fault(const Segments& segments, int64_t size, int threads, int64_t& fault,
                  Interrupted interrupted, void* context) noexcept {
  Search search{segments, {interrupted, context}, {0}, {segments.count + 1}};
  const int64_t bytes = segments.count * int64_t{sizeof(int64_t)};
  run_parallel(bytes < policy::parallel_bytes ? 1 : threads, look, &search, search.patience);
  fault = segments.offsets[segments.count] == size ? -1 : segments.count;
  if (search.found <= segments.count) fault = search.found;
  if (segments.offsets[0] != 0) fault = 0;
  return search.patience.status(false);
}

bool can_take(const Problem& problem, const Segments& segments, const Kernels& kernels) {
  if (are_alone(problem, segments)) return true;
  const Plan plan = make_plan(problem, kernels);
  if (plan.pack_x || plan.pack_y) return false;
  return plan.walk == Walk::columns ||
         (plan.walk == Walk::reversed) == (problem.direction == Direction::reverse);
}

Status run_segments(const Problem& problem, const Segments& segments, const Kernels& kernels,
                    const Operands& operands, Interrupted interrupted, void* context) noexcept {
  const Caller caller{interrupted, context};
  try {
    if (element_count(problem) == 0) return Status::done;
    if (!are_alone(problem, segments)) {
      return run_together(problem, segments, kernels, operands, caller);
    }
    for (int64_t segment = 0; segment < segments.count; ++segment) {
      const Status status = scan_alone(problem, segments, segment, kernels, operands, caller);
      if (status != Status::done) return status;
    }
    return Status::done;
  } catch (const std::bad_alloc&) {
    return Status::out_of_memory;
  }
}

}  // namespace cumsum
