"""The plan of a day: who goes where when. Pure values in, a plan out."""
