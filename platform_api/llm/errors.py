"""What can go wrong with a model. A provider's own message is never shown: it may hold anything."""

from kit.errors import TimedOut, TooMany, Unavailable, UpstreamFailed


class ModelUnauthorised(UpstreamFailed):
    code = "model_unauthorised"
    title = "The language model refused our credentials"
    default_hint = "Tell your admin: the key of the model is missing, wrong or has expired."
    retryable = False


class ModelBusy(TooMany):
    code = "model_busy"
    title = "The language model takes no more requests at the moment"
    default_hint = "Wait for the time in Retry-After, then ask again."


class ModelUnreachable(Unavailable):
    code = "model_unreachable"
    title = "The language model cannot be reached"
    default_hint = "Ask again in a minute."


class ModelFailed(UpstreamFailed):
    code = "model_failed"
    title = "The language model gave no usable answer"
    default_hint = "Ask again in a minute."


class ModelRefused(UpstreamFailed):
    code = "model_refused"
    title = "The language model did not accept this request"
    default_hint = "Put the question in other words, or begin a new session."
    retryable = False


class ModelTimedOut(TimedOut):
    code = "model_timed_out"
    title = "The language model took too long"
    default_hint = "Ask again, perhaps with a shorter question."


class ModelCutOff(UpstreamFailed):
    code = "model_cut_off"
    title = "The language model stopped in the middle of its answer"
    default_hint = "Ask again."
