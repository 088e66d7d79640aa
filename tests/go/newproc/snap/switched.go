//go:build switched

package snap

type copied struct{ id int }

func begin() { setTraceContext(&copied{len(tags)}) }

func (c *copied) CopyContext() interface{} {
	return &copied{c.id + 1}
}
