/// Names that users bring from TRL, Axolotl, transformers, PyTorch, llama.cpp and vLLM, with ours.
enum ForeignNames {
  /// Our names for a foreign one, the likeliest first; which of them applies depends on the stage.
  static func ours(for name: String) -> [String] {
    table[String(decoding: Spelling.normalized(name), as: UTF8.self)] ?? []
  }

  /// Foreign names by ours.
  private static let spellings: [(ours: String, foreign: String)] = [
    ("epochs", "num_train_epochs num_epochs n_epochs epoch max_epochs train_epochs nb_epochs"),
    ("steps", "max_steps num_steps train_steps num_train_steps total_steps iterations max_iters iters"),
    ("learning_rate", "lr learningrate peak_lr max_lr base_lr learn_rate"),
    (
      "batch_rows",
      """
      per_device_train_batch_size train_batch_size batch_size micro_batch_size mini_batch_size batchsize bs \
      per_device_batch_size per_gpu_train_batch_size n_batch
      """
    ),
    ("batch_tokens", "max_tokens_per_batch tokens_per_batch"),
    (
      "accumulate",
      """
      gradient_accumulation_steps gradient_accumulation grad_accum grad_accumulation_steps accumulation_steps \
      accumulate_grad_batches grad_accum_steps
      """
    ),
    ("schedule", "lr_scheduler_type lr_scheduler scheduler lr_schedule scheduler_type"),
    ("warmup_steps", "warmup_ratio warmup num_warmup_steps lr_warmup_steps warmup_iters"),
    ("weight_decay", "wd weightdecay l2 decay"),
    ("beta1", "adam_beta1 b1"), ("beta2", "adam_beta2 b2"), ("epsilon", "adam_epsilon adam_eps eps"),
    (
      "clip_norm",
      "max_grad_norm grad_clip gradient_clipping clip_grad_norm gradient_clip_val grad_norm_clip max_norm clip"
    ),
    ("dropout", "dropout_rate hidden_dropout resid_pdrop attention_dropout dropout_p"),
    ("seed", "random_seed data_seed manual_seed rng_seed"),
    ("evaluate_every", "eval_steps eval_every eval_interval evaluation_steps val_check_interval evals_per_epoch"),
    ("patience", "early_stopping_patience early_stopping"), ("keep", "load_best_model_at_end save_best"),
    ("checkpoint_every", "save_steps save_every save_interval checkpoint_steps checkpoint_interval saves_per_epoch"),
    ("shuffle", "shuffle_data shuffle_dataset"),
    ("entropy", "entropy_coef ent_coef entropy_bonus entropy_weight entropy_coeff entropy_beta"),
    ("label_smoothing", "label_smoothing_factor smoothing"),
    ("lambda", "lam lmbda td_weight reg_strength chi2_coef"), ("gamma", "discount discount_factor"),
    (
      "max_length",
      """
      max_seq_length max_seq_len sequence_len sequence_length seq_len seq_length block_size cutoff_len \
      model_max_length max_sequence_length max_len
      """
    ),
    ("overflow", "truncation truncate excess_length_strategy"),
    ("tokenizer", "tokenizer_type tokenizer_name"),
    ("vocab_size", "vocab n_vocab vocabulary_size vocabulary num_embeddings"),
    ("end_token", "eos_token_id eos_token eos_id end_token_id"),
    ("architecture", "model_type arch base_model_type"),
    ("layers", "num_hidden_layers n_layer n_layers num_layers depth"),
    ("width", "hidden_size n_embd d_model dim embedding_size model_dim embed_dim"),
    ("heads", "num_attention_heads n_head n_heads num_heads"),
    ("kv_heads", "num_key_value_heads n_kv_heads n_kv_head n_head_kv"),
    ("head_width", "head_dim d_head head_size d_kv"),
    ("feed_forward", "intermediate_size ffn_dim n_inner d_ff hidden_dim mlp_dim"),
    ("context", "max_position_embeddings n_positions context_length context_size n_ctx max_seq_length sequence_len"),
    ("tied", "tie_word_embeddings tie_embeddings tie_weights"),
    (
      "max_new_tokens",
      "max_tokens max_gen_length n_predict num_predict max_completion_length max_length max_output_tokens"
    ),
    ("temperature", "temp"), ("top_k", "topk"), ("top_p", "topp nucleus nucleus_p"),
    ("beams", "num_beams beam_size beam_width"),
    ("samples", "num_return_sequences num_samples num_generations best_of n n_samples"),
    ("decoding", "do_sample strategy sampling generation_strategy"), ("ignore_end", "ignore_eos"),
    ("files", "data_files train_file datasets dataset path paths split_files"),
    ("format", "dataset_format file_format type"), ("limit", "max_samples max_train_samples max_rows num_examples"),
    ("prompt", "prompt_template input_template prompt_column input_field instruction_field field_instruction"),
    (
      "completion",
      "completion_column response response_template output_template target label field_output output_field"
    ),
    ("references", "reference references_column"), ("fractions", "split_ratio train_test_split test_size val_set_size"),
    ("gather", "group_by"), ("resamples", "bootstrap_samples n_resamples num_bootstrap"),
    ("metrics", "metric"), ("stemming", "use_stemmer stemmer"), ("split", "dataset_split subset"),
  ]

  private static let table: [String: [String]] = {
    var table: [String: [String]] = [:]
    for (ours, foreign) in spellings {
      for name in foreign.split(separator: " ") { table[String(name), default: []].append(ours) }
    }
    return table
  }()
}
