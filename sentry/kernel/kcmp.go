package kernel

// What kcmp(2) tells apart and nothing else needs. Two tasks that both have none of a thing share it, as in Linux.

// SameSighand reports whether t and o have the same actions of signals (CLONE_SIGHAND).
func (t *Task) SameSighand(o *Task) bool { return t.group.actions() == o.group.actions() }

func (g *Group) actions() *Sighand {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.sighand
}

// SameSemUndo reports whether t and o have the same undo list of semaphores (CLONE_SYSVSEM).
func (t *Task) SameSemUndo(o *Task) bool { return t.group.undo.Load() == o.group.undo.Load() }

// SameIO reports whether t and o have the same context of input and output: a task has one once ioprio_set(2) was called.
func (t *Task) SameIO(o *Task) bool { return t == o || t.ioprio.Load() == 0 && o.ioprio.Load() == 0 }
