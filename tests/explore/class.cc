// SPDX-License-Identifier: MIT
// class.cc - C++: a virtual call, an atomic, a lambda, thread-local data, an exception, and a pointer that is published
// too early.
// expect: class-broken race
#include <atomic>
#include <new>
#include <stdexcept>
#include <weft.h>
#include <weft/explore.h>

namespace
{

struct Shape {
	virtual int corners() const = 0;
	virtual ~Shape() = default;
};

struct Square final : Shape {
	int n;
	explicit Square(int count) : n(count)
	{
	}
	int corners() const override
	{
		if (n < 0)
			throw std::invalid_argument("n");
		return n;
	}
};

struct World {
	std::atomic<Shape *> shape{ nullptr };
	weft_lock lock = WEFT_LOCK_INIT;
	int seen = 0;
};

thread_local int looks;

void *begin()
{
	return new (weft_explore_alloc(sizeof(World), "world")) World;
}

void look(World &world, std::memory_order order)
{
	const auto count = [&] { return ++looks; };
	Shape *const shape = world.shape.load(order);

	if (shape == nullptr)
		return;
	try {
		weft_guard(&world.lock);
		world.seen += shape->corners();
	} catch (const std::invalid_argument &) {
		weft_explore_fail("exception", "negative");
	}
	weft_explore_check(count() == 1);
}

void publish(World &world)
{
	world.shape.store(new (weft_explore_alloc(sizeof(Square), "square")) Square(4), std::memory_order_release);
}

void broken(void *state, unsigned number)
{
	World &world = *static_cast<World *>(state);

	if (number == 0)
		publish(world);
	else
		look(world, std::memory_order_relaxed);
}

void fixed(void *state, unsigned number)
{
	World &world = *static_cast<World *>(state);

	if (number == 0)
		publish(world);
	else
		look(world, std::memory_order_acquire);
}

} // namespace

extern "C" const weft_explore_scenario scenarios[] = {
	{ "class-broken", 2, 0, begin, broken, nullptr, 0, nullptr, nullptr },
	{ "class-fixed", 3, 0, begin, fixed, nullptr, 0, nullptr, nullptr },
	{ nullptr, 0, 0, nullptr, nullptr, nullptr, 0, nullptr, nullptr },
};
