/* torn_plan - a plan whose places are stores that wait: what the inline engine does to a process.
 *
 * Each store is a function of the plan of its own, a place inside of one (plan_func.line_at), with
 * one window. Nothing is read there.
 *
 * Owns     the plan's arena has it all; refers to the program.
 * Units    as plan.h.
 * Fails    never: what can't be delayed in a process carries a refusal.
 * Threads  one. */
#ifndef PLAN_TORN_PLAN_H
#define PLAN_TORN_PLAN_H

#include "plan/plan.h"
#include "plan/torn.h"

/* Stores ascending by address. */
void torn_plan(struct plan *p, const struct go_program *prog,
	       const struct torn_store *const *stores, size_t n);

#endif
