"""The exam viewer: exams slice by slice, with what is known and what learners say of them."""
