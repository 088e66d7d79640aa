/* routers - the routes of gin, echo and chi, which a router's own context of a request has when the
 * router gives it back to its pool, and of gorilla/mux, which puts them into the request's context
 * (http_rules.c); and of a ServeMux behind another one.
 *
 * A pattern is of the path that the router saw, and others may have cut that before; so one is said
 * only if it fits the path that was asked for.
 *
 * Owns     nothing.
 * Units    bytes.
 * Fails    no route.
 * Threads  any.
 * Sources  gin 1.5 to 1.12: gin.go, context.go; echo 3 to 5: echo.go, router.go; chi 1.5 to 5:
 *          mux.go, context.go (RoutePattern); gorilla/mux 1.4 to 1.8: mux.go, route.go. */
#ifndef SPAN_ROUTERS_H
#define SPAN_ROUTERS_H

#include "span/context.h"
#include "span/saying.h"

/* How many bytes of it; 0: it has none, or a longer one. */
u32 router_route(const struct field_value *f, char to[ROUTE_MOST]);
/* Can a path be of this pattern of a ServeMux, without its method and host? */
bool mux_fits(struct str pattern, struct str path);
/* Can a path be of this pattern? What a router that finds nothing leaves there may be the path
 * itself, or what another method has: that is none, with such a status. */
bool router_fits(struct str route, struct str path, i64 status);

#endif
