"""A simulated fleet: device physics, injected faults with ground truth, a written past, live publishing."""
