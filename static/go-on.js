// Work that is done in parts: the form of the next part sends itself. Without script people do.
const form = document.querySelector("form[data-goes-on]");
if (form) setTimeout(() => form.requestSubmit(), 300);
