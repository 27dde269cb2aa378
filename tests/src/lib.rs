//! What the tests share: clusters of real processes, and the input they are fed.
