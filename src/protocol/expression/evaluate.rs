//! Tests candidates against expressions.

use super::ast::{Condition, Expression};

/// What expressions made of conditions `C` are tested against: an event, or what a subscriber says of itself.
pub trait Candidate<C = Condition> {
    /// Why a comparison cannot be made; [`Infallible`](std::convert::Infallible) where it always can.
    type Error;

    /// Returns whether the value that the condition's key leads to passes; one that is not there never does.
    ///
    /// [`Condition::wanted_part`] tells whether the value is to contain a text or to be compared.
    fn compare(&self, condition: &C) -> Result<bool, Self::Error>;
}

impl<C> Expression<C> {
    /// Returns whether `candidate` passes; makes no more comparisons than are needed to know.
    pub fn matches<T: Candidate<C> + ?Sized>(&self, candidate: &T) -> Result<bool, T::Error> {
        match self {
            Self::All(operands) => all(operands, candidate),
            Self::Any(operands) => any(operands, candidate),
            Self::Not(operand) => Ok(!operand.matches(candidate)?),
            Self::Condition(condition) => candidate.compare(condition),
        }
    }
}

fn all<C, T: Candidate<C> + ?Sized>(
    operands: &[Expression<C>],
    candidate: &T,
) -> Result<bool, T::Error> {
    for operand in operands {
        if !operand.matches(candidate)? {
            return Ok(false);
        }
    }
    Ok(true)
}

fn any<C, T: Candidate<C> + ?Sized>(
    operands: &[Expression<C>],
    candidate: &T,
) -> Result<bool, T::Error> {
    for operand in operands {
        if operand.matches(candidate)? {
            return Ok(true);
        }
    }
    Ok(false)
}
