//! The engine: takes each job from intent to film, over the queue, inside the rates and the caps.
