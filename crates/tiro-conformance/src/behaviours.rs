//! Every promise of the contract that an engine can be asked about, each as one behaviour with its own name.
//!
//! The list below is the only one. [`conformance_tests!`](crate::conformance_tests) makes a test of each in the crate
//! of an engine. A behaviour gets a fresh world, speaks to the port alone, and panics where the promise is broken.
#![expect(
    missing_docs,
    reason = "the name of a behaviour is a sentence that says it all"
)]

/// Declares the modules, lets their behaviours out, and makes the macro that turns each into a test.
macro_rules! behaviours {
    (($d:tt) $($module:ident { $($name:ident,)+ })+) => {
        $(
            mod $module;
            pub use $module::{$($name),+};
        )+

        /// A test for every behaviour, in an engine's crate: `conformance_tests!(MyWorld);`, where `MyWorld` is a
        /// [`World`]($crate::World).
        #[macro_export]
        macro_rules! conformance_tests {
            ($d world:ty) => {
                $($(
                    #[test]
                    fn $name() {
                        $crate::run::<$d world, _>($crate::behaviours::$name);
                    }
                )+)+
            };
        }
    };
}

behaviours! { ($)
    numbers {
        two_hundred_concurrent_first_chats_get_the_numbers_1_to_200,
        two_hundred_concurrent_first_messages_get_the_numbers_1_to_200,
        a_message_right_after_the_answer_of_its_chat_is_accepted,
        a_refused_request_takes_no_number_and_binds_no_key,
        a_refused_batch_stores_nothing,
        concurrent_batches_are_each_stored_whole_and_in_order,
        what_is_sent_after_an_answer_gets_a_higher_number,
        numbers_of_deleted_things_are_never_given_again,
    }
    reads {
        every_read_shows_a_write_right_after_its_answer,
        the_list_by_activity_shows_a_message_right_after_its_answer,
        the_list_of_applications_shows_every_change_right_after_its_answer,
        readers_beside_a_writer_see_no_less_than_what_was_answered,
        every_entry_moves_the_cursor_by_one_and_reads_stand_at_the_last,
        every_text_comes_back_byte_for_byte,
        what_was_never_created_is_not_found,
    }
    versions {
        every_accepted_update_raises_the_version_by_one,
        an_empty_patch_is_an_update,
        a_lost_update_is_refused_with_the_present_version,
        any_version_of_a_list_matches_and_an_empty_list_matches_none,
        of_concurrent_updates_of_one_version_one_is_accepted,
        the_update_accepted_last_stays,
        a_create_below_changes_neither_version_nor_updated_at_of_its_parents,
        a_patch_sets_clears_and_keeps_each_member,
        a_merge_patch_of_metadata_keeps_the_text_of_untouched_members,
        a_merge_patch_that_makes_metadata_too_long_changes_nothing,
    }
    deletes {
        a_deleted_message_stays_in_its_list_as_a_tombstone,
        a_deleted_chat_stays_in_its_list_as_a_tombstone_with_its_last_message,
        counts_leave_deleted_things_out,
        all_below_a_deleted_chat_is_gone,
        all_below_a_deleted_application_is_gone,
        a_repeated_delete_makes_no_entry_and_binds_no_key,
        the_token_of_a_deleted_application_is_never_given_again,
    }
    keys {
        a_create_sent_again_with_its_key_is_answered_as_created,
        a_create_is_answered_as_created_after_edit_delete_and_death_of_its_chat,
        an_update_sent_again_with_its_key_is_answered_with_the_present_thing,
        an_update_sent_again_after_the_delete_is_answered_with_the_tombstone,
        a_delete_sent_again_with_its_key_is_answered_as_a_delete,
        a_key_with_another_request_is_refused,
        a_key_is_looked_up_before_the_state_is,
        one_key_counts_apart_in_each_application_the_server_and_imports,
        thirty_two_concurrent_sends_of_one_key_store_one_thing,
        a_refused_request_leaves_its_key_free,
        a_deleted_application_takes_its_keys_along,
        replays_are_the_same_after_reopen,
    }
    pages {
        every_list_by_number_agrees_with_the_slow_way,
        pages_of_live_things_agree_with_the_slow_way,
        a_page_of_messages_ends_early_at_its_bound_in_bytes,
        deep_pages_hold_what_the_first_ones_hold,
        the_list_by_activity_is_newest_first_without_tombstones,
        the_list_of_applications_is_by_creation_time_and_token,
        lists_that_are_kept_stay_those_of_one_moment,
    }
    scopes {
        an_application_never_sees_the_things_of_another,
        tokens_that_differ_in_case_are_two_applications,
        positions_of_one_application_do_not_move_with_another,
    }
    search {
        a_search_finds_parts_of_words_in_any_case_newest_first,
        terms_of_one_and_two_characters_are_found,
        characters_that_mean_something_elsewhere_mean_themselves,
        every_write_is_found_by_the_next_search,
        each_scope_finds_what_lies_in_it,
        what_lies_below_something_deleted_is_not_found,
        pages_of_a_search_repeat_and_miss_nothing_while_others_write,
        over_everything_the_time_of_creation_decides,
        a_restored_application_is_found_when_it_is_complete,
        random_queries_find_what_reading_everything_finds,
    }
    feed {
        pages_of_any_size_from_any_place_are_parts_of_the_exported_feed,
        state_rebuilt_from_the_feed_alone_equals_a_fresh_read,
        a_list_followed_from_its_as_of_misses_and_repeats_nothing,
        a_narrowed_feed_looks_at_a_bounded_number_of_entries_and_moves_on,
        a_page_of_the_feed_ends_early_at_its_bound_in_bytes,
        a_cursor_of_another_history_or_the_future_is_refused_with_the_present_end,
        the_feed_of_a_deleted_application_ends_with_its_tombstone,
        who_waits_for_a_feed_is_woken_by_its_next_entry_alone,
        streams_beside_writers_receive_exactly_the_feed,
        no_body_of_a_deleted_message_is_in_any_answer_of_the_feed,
        every_read_of_the_feed_shows_a_write_right_after_its_answer,
    }
    readers {
        a_marker_only_rises_and_each_rise_is_an_entry,
        unread_counts_live_messages_after_the_marker,
        sending_raises_the_senders_marker_after_the_messages,
        a_replayed_create_raises_no_marker_again,
        a_marker_moves_the_change_position_and_nothing_else_of_its_chat,
        markers_go_with_their_chat,
        a_readers_chats_are_those_with_a_marker_and_something_unread,
        unread_agrees_with_a_slow_count_after_random_operations,
        an_export_carries_markers,
    }
    cancellation {
        a_write_whose_answer_is_dropped_is_stored_whole_and_blocks_no_one,
    }
    imports {
        plain_lines_imported_twice_change_nothing,
        equal_lines_under_two_keys_are_two_messages,
        an_imported_chat_is_found_by_its_key_after_a_rename_and_refused_after_its_delete,
        a_line_that_changed_under_its_key_stops_the_import,
        times_that_an_import_tells_are_the_times_of_creation,
    }
    restores {
        an_export_restored_elsewhere_exports_the_same_entries,
        a_restored_application_goes_on_where_it_was,
        a_restored_application_answers_replays_as_before,
        an_unfinished_or_abandoned_restore_is_invisible_and_its_token_free,
        entries_out_of_order_with_holes_or_cut_short_are_refused,
        an_interrupted_restore_can_be_repeated_from_the_start_after_reopen,
        a_token_in_use_is_not_restored,
        the_key_of_an_application_under_restore_is_free_and_stays_with_who_takes_it,
        one_of_two_restores_of_one_application_can_be_abandoned_and_the_other_finished,
        a_renewed_epoch_changes_every_cursor_and_nothing_else,
        an_export_holds_its_invariants,
    }
    reopening {
        everything_is_there_after_reopen,
        an_engine_counts_on_after_reopen,
        an_open_engine_serves_writes,
    }
}
